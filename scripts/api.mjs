// Writes what each entry of each package offers to docs/api, as its type declarations say: `npm run api`. With --check it
// writes nothing, and fails where something is different, or an export or a member of one bears no documentation.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor';
import { root } from './entries.mjs';
import { ensurePackages, packages } from './packages.mjs';

const check = process.argv.includes('--check');
const folder = `${root}docs/api`;
const temporary = mkdtempSync(join(tmpdir(), 'linnet-api-'));
const failures = [];

const compilerOptions = {
  module: 'NodeNext',
  moduleResolution: 'NodeNext',
  target: 'ES2022',
  lib: ['ES2023', 'DOM'],
  types: ['node'],
  strict: true,
  skipLibCheck: true,
};

function reportOf(pack, types) {
  const entry = join(pack.folder, types);
  const config = ExtractorConfig.prepare({
    packageJsonFullPath: join(pack.folder, 'package.json'),
    configObject: {
      projectFolder: pack.folder,
      mainEntryPointFilePath: entry,
      // The extractor treats everything below a node_modules as foreign code, unless it is named here.
      bundledPackages: [pack.name],
      newlineKind: 'lf',
      compiler: { overrideTsconfig: { compilerOptions, files: [entry] } },
      apiReport: { enabled: true, reportFolder: temporary, reportFileName: 'report.api.md' },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        extractorMessageReporting: {
          default: { logLevel: 'none' },
          // A type that a signature names and nobody can import is shown in the report.
          'ae-forgotten-export': { logLevel: 'warning', addToApiReportFile: true },
        },
        tsdocMessageReporting: { default: { logLevel: 'none' } },
      },
    },
  });
  const messageCallback = (message) => {
    if (message.logLevel === 'error') throw new Error(message.text);
    message.handled = true;
  };
  Extractor.invoke(config, { localBuild: true, messageCallback });
  return readFileSync(join(temporary, 'report.api.md'), 'utf8');
}

const anyMark = /^ *\/\/ (?:@(?!internal)\w+ )?\(undocumented\)\n *(.*)$/gm;

/** Exports and members without a doc comment; what is internal needs none, nor do members of what an internal entry exports. */
function undocumented(report, path) {
  const marks = path === './internal' ? /^\/\/ @\w+ \(undocumented\)\n(.*)$/gm : anyMark;
  const found = report.matchAll(marks);
  return [...found].map(([, declaration]) => declaration);
}

await ensurePackages();
const reports = new Map();
for (const pack of packages)
  for (const [path, { types }] of Object.entries(pack.manifest.exports)) {
    if (!types) continue;
    const name = pack.name + path.slice(1);
    const report = reportOf(pack, types);
    for (const declaration of undocumented(report, path))
      failures.push(`${name}: no doc comment: ${declaration}`);
    // The internal entries promise nothing that a change of theirs could break.
    if (path !== './internal') reports.set(`${pack.lib}${path.slice(1).replace('/', '.')}.md`, report);
  }
rmSync(temporary, { recursive: true });

const written = existsSync(folder) ? readdirSync(folder) : [];
for (const file of written.filter((file) => !reports.has(file))) {
  if (check) failures.push(`docs/api/${file} is of an entry that is gone.`);
  else rmSync(join(folder, file));
}
mkdirSync(folder, { recursive: true });
for (const [file, report] of reports) {
  const isSame = written.includes(file) && readFileSync(join(folder, file), 'utf8') === report;
  if (check && !isSame)
    failures.push(
      `docs/api/${file} is not what the packages offer: \`npm run api\`, and look at the difference.`,
    );
  if (!check) writeFileSync(join(folder, file), report);
}
for (const failure of failures) console.error(failure);
process.exitCode = failures.length > 0 ? 1 : 0;

// Says of a run of Jest (`--json`, in the file that is named) which tests failed and why, and which files took longest.
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';

const { testResults } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const seconds = ({ startTime, endTime }) => (endTime - startTime) / 1000;
const fileOf = ({ name }) => relative('.', name);

const slowest = testResults.toSorted((one, other) => seconds(other) - seconds(one)).slice(0, 15);
for (const file of slowest) console.log(`slow: ${seconds(file).toFixed(0)} s in ${fileOf(file)}`);
for (const file of testResults.filter(({ status }) => status === 'failed')) {
  const failed = file.assertionResults.filter(({ status }) => status === 'failed');
  for (const { fullName, failureMessages } of failed)
    console.log(`failed: ${fullName} (${fileOf(file)})\n${failureMessages.join('\n')}`);
  // A file that could not be loaded has no tests.
  if (failed.length === 0) console.log(`failed: ${fileOf(file)}\n${file.message}`);
}

/** Parses a version as the reference does. A part that is not a number differs from every other. */
interface ParsedVersion {
  major: number;
  minor: number;
  patch: number;
  tagged: boolean;
}

function parse(version: string): ParsedVersion {
  const parts = version.split(/[:-]/);
  const [major = NaN, minor = NaN, patch = NaN] = parts[0]!.split('.').map(Number);
  return { major, minor, patch, tagged: Boolean(parts[1]) };
}

/**
 * Whether a backend of version `backend` serves a frontend of version `frontend`: the rule of the reference
 * (`RpcInterface.isVersionCompatible`), with its treatment of odd versions, which `semver` would refuse.
 *
 * Equal strings are compatible. A prerelease is compatible only with itself, and another major version never. In 0.x the
 * minor must be equal and the backend's patch greater. Otherwise the backend's minor must be at least the frontend's.
 */
export function isVersionCompatible(backend: string, frontend: string): boolean {
  if (backend === frontend) return true;
  const b = parse(backend);
  const f = parse(frontend);
  if (b.tagged || f.tagged || b.major !== f.major) return false;
  if (b.major === 0) return b.minor === f.minor && f.patch < b.patch;
  if (b.minor === f.minor) return b.patch !== f.patch;
  return f.minor < b.minor;
}

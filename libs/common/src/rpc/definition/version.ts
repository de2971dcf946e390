/** A version taken apart as the reference does it: what is not a number compares as different from everything. */
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
 * Equal strings always; a prerelease only with itself; another major never; in 0.x the same minor and a
 * greater patch; else the backend's minor is at least the frontend's, whatever the patch.
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

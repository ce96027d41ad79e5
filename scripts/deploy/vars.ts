import { PASSED_VARS, WORKER_SECRETS } from "../../edge/local/worker-config.ts";

/** On Cloudflare there is no disk to keep files on. */
const DEFAULTS: Readonly<Record<string, string>> = { TRAWL_STORE: "r2" };

/**
 * The operator's variables of this environment as `--var` flags. Secrets are never among them: a var can be read in the
 * dashboard, and a flag in `ps`.
 */
export function varFlags(env: Readonly<Record<string, string | undefined>>): string[] {
  const names = [...Object.keys(DEFAULTS), ...PASSED_VARS].filter((name) => !WORKER_SECRETS.includes(name));
  return names.flatMap((name) => {
    const value = env[name] || DEFAULTS[name];
    return value === undefined ? [] : ["--var", `${name}:${value}`];
  });
}

import { kekFault, settingFaults } from "../settings.ts";
import { HostError } from "./host-error.ts";

/**
 * The Worker goes by its defaults where a setting is bad, and finds a bad key at the first secret. Who starts it here hears of
 * it at once.
 *
 * @throws HostError `bad_option`, with the name
 */
export function checkSettings(env: NodeJS.ProcessEnv): void {
  const [fault] = settingFaults(env);
  if (fault === undefined) return;
  const { name, says } = fault;
  throw new HostError(
    "bad_option",
    name === "TRAWL_KEK" ? (kekFault(env[name]) ?? says) : `${says}, not '${env[name]}'`,
  );
}

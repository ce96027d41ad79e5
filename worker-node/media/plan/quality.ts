/** Quality numbers of re-encoding (jobs API 11.3). */
import type { AudioBitrate, QualityPreset } from "../../../shared/contract/options.ts";
import { CRF, DEFAULT_AUDIO_BITRATE as DEFAULT } from "../../../shared/normalise-options.ts";
import type { EncodedVideo } from "./containers.ts";

export const DEFAULT_AUDIO_BITRATE: AudioBitrate = DEFAULT;

/** The preset beats the number; without either, the codec's `medium`. */
export function crf(codec: EncodedVideo, preset: QualityPreset | null, quality: number | null): number {
  return preset === null && quality !== null ? quality : CRF[codec][preset ?? "medium"];
}

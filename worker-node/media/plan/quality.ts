/** Quality numbers of re-encoding (jobs API 11.3). */
import type { AudioBitrate, QualityPreset } from "../../../shared/contract/options.ts";
import type { EncodedVideo } from "./containers.ts";

const CRF: Readonly<Record<EncodedVideo, Readonly<Record<QualityPreset, number>>>> = {
  h264: { highest: 18, high: 20, medium: 23, low: 28, lowest: 32 },
  h265: { highest: 20, high: 23, medium: 26, low: 30, lowest: 34 },
  vp9: { highest: 24, high: 28, medium: 31, low: 36, lowest: 42 },
};

export const DEFAULT_AUDIO_BITRATE: AudioBitrate = "192k";

/** The preset beats the number; without either, the codec's `medium`. */
export function crf(codec: EncodedVideo, preset: QualityPreset | null, quality: number | null): number {
  return preset === null && quality !== null ? quality : CRF[codec][preset ?? "medium"];
}

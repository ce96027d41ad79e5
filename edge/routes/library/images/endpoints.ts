/** Pictures of the library API (section 9.9 there). */
import type { Endpoint } from "../../endpoint.ts";
import { passThumbnail } from "./pass-thumbnail.ts";
import { randomBackground } from "./random-background.ts";

export const IMAGE_ENDPOINTS: readonly Endpoint[] = [passThumbnail, randomBackground];

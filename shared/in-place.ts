/** With it a part of the disk store has no body: so many of its bytes lie in the upload's file already (docs/decisions/026). */
export const IN_PLACE_HEADER = "x-trawl-in-place";

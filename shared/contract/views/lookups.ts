/** Look-ups (jobs API 5). */
import { z } from "zod";
import { choice, decimal, flag, orNull, text, whole } from "./fields.ts";

export const Metadata = z
  .object({
    title: orNull(text("Title")),
    duration: orNull(decimal("Seconds")),
    width: orNull(whole("Pixels")),
    height: orNull(whole("Pixels")),
    extractor: orNull(text("Name of the site")),
    uploader: orNull(text("Name of the channel")),
    thumbnail: orNull(text("URL of the picture")),
    description: orNull(text("Description")),
    view_count: orNull(whole("Views")),
    like_count: orNull(whole("Likes")),
    upload_date: orNull(text("`YYYYMMDD`")),
    filesize_approx: orNull(whole("Expected bytes")),
  })
  .meta({
    id: "Metadata",
    description: "What the source says of a URL; for a list, of the list itself.",
    examples: [
      {
        title: "A talk",
        duration: 213.5,
        width: 1920,
        height: 1080,
        extractor: "YouTube",
        uploader: "Some channel",
        thumbnail: "https://i.example.com/t.jpg",
        description: "Recorded on stage",
        view_count: 1500,
        like_count: 20,
        upload_date: "20261025",
        filesize_approx: 62_914_560,
      },
    ],
  });

export const ShortVerdict = z
  .object({
    is_short: flag("The best video format is taller than wide"),
    video_type: choice(["live", "short", "video"], "`live` for a live stream, else `short` for a vertical one"),
    width: orNull(whole("Pixels")),
    height: orNull(whole("Pixels")),
    aspect_ratio: orNull(decimal("Height divided by width, three decimals")),
    duration_seconds: orNull(decimal("Seconds")),
  })
  .meta({
    id: "ShortVerdict",
    description: "Whether a YouTube video is vertical.",
    examples: [
      { is_short: true, video_type: "short", width: 720, height: 1280, aspect_ratio: 1.778, duration_seconds: 41 },
    ],
  });

/** What folders are called on the wire: names, not paths of any machine (library API, section 14). */
export const DOWNLOADS = "/downloads";
export const TEMP = "/tmp";
export const CONFIG = "/config";

/** Text files, as vite brings them in. */
declare module "*.md?raw" {
  const text: string;
  export default text;
}

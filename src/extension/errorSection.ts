/** One code's section of docs/errors.md as a page of its own. Pure. */

/** @returns the whole page where there is no such section. */
export function errorSection(page: string, code: string): string {
  const sections = page.split(/^(?=#{1,3} )/m);
  const section = sections.find((each) => each.startsWith(`### ${code} `));
  if (section === undefined) return page;
  // Links to other sections and files lead nowhere from a page of its own.
  return `${section.replace(/^### /, '# ').replaceAll(/\[([^\]]+)\]\((?!https?:)[^)]*\)/g, '$1').trimEnd()}\n`;
}

/** Fields of the form with which Google Drive asks whether a file that it cannot scan is wanted all the same. */
const FIELDS = ['id', 'export', 'confirm', 'uuid', 'at'];

/**
 * The address that the form of Google Drive's page leads to, which says that the file was not scanned for viruses; undefined
 * for any other page.
 */
export function confirmedAddress(page: string, shown: URL): URL | undefined {
  const form = /<form[^>]*\bid="download-form"[^>]*>[\s\S]*?<\/form>/.exec(page)?.[0];
  if (form === undefined) return undefined;
  const address = new URL(shown); // the form leads there: a page can send nobody elsewhere
  address.search = '';
  for (const [input] of form.matchAll(/<input[^>]*>/g)) {
    const [name, value] = [attribute(input, 'name'), attribute(input, 'value')];
    if (name !== undefined && value !== undefined && FIELDS.includes(name))
      address.searchParams.set(name, value);
  }
  return address.searchParams.has('id') ? address : undefined;
}

function attribute(tag: string, name: string): string | undefined {
  return new RegExp(String.raw`\s${name}="([^"]*)"`).exec(tag)?.[1]?.replaceAll('&amp;', '&');
}

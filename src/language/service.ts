/**
 * yaml-language-server as a library: outline, folding and format. Its completion and hover see one schema for all files and know
 * nothing of the rest of this one (which method, which detector), so those are ours; see `complete.ts` and `hover.ts`.
 */
import { type TextDocument } from 'vscode-languageserver-textdocument';
import { type LanguageService } from 'yaml-language-server';
import { type OpenText } from './types.ts';

export interface YamlService {
  readonly service: LanguageService;
  /** The service keeps what it parsed by address and version: each text gets a version of its own. */
  readonly document: (text: OpenText) => TextDocument;
}

let started: Promise<YamlService> | undefined;

/** Started once, with the first question. */
export function yamlService(): Promise<YamlService> {
  started ??= start();
  return started;
}

async function start(): Promise<YamlService> {
  const { getLanguageService } = await import('yaml-language-server');
  const { TextDocument: documents } = await import('vscode-languageserver-textdocument');
  const service = getLanguageService({
    // Nothing is ever fetched: it is given no schema, and asked for nothing that takes one.
    schemaRequestService: () => Promise.reject(new Error('no schema is fetched')),
    workspaceContext: { resolveRelativePath: (relative) => relative },
  });
  service.configure({ completion: false, hover: false, validate: false, format: true, schemas: [], customTags: [] });
  let versions = 0;
  return {
    service,
    document: ({ text }) => {
      versions += 1;
      return documents.create('distill:/experiment.yaml', 'yaml', versions, text);
    },
  };
}

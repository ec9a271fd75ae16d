import type { JsonSchema } from '../../http/index.js';
import type { ToolRegistry } from '../../tools/index.js';

/** A tool as somebody who puts an agent together sees it. */
export interface CatalogueEntry {
  name: string;
  /** It is offered to people; others are chosen by other settings, or by agents. */
  user_selectable: boolean;
  /** It works on this server. */
  usable: boolean;
  description: string;
  /** Agents have it unless they are told otherwise. */
  in_default_set: boolean;
}

/** All tools of the server. */
export interface ToolCatalogue {
  tools: CatalogueEntry[];
}

/**
 * What is said of the tools that people choose from; their choice and the default set are those of the
 * original.
 */
const CHOICES: Readonly<Record<string, { description: string; byDefault?: true }>> = {
  terminal: { description: 'Runs commands in a shell that keeps its state.', byDefault: true },
  file_editor: { description: 'Shows, creates and changes files.', byDefault: true },
  task_tracker: { description: 'Keeps a list of the steps of long work.', byDefault: true },
  browser_tool_set: { description: 'Opens web pages, reads them and acts on them.', byDefault: true },
  task_tool_set: { description: 'Gives a part of the work to an agent of its own.' },
  glob: { description: 'Finds files by patterns of their names, such as **/*.ts.' },
  grep: { description: 'Finds lines in files by regular expressions.' },
  switch_llm: { description: 'Lets the agent go on with the model of another profile.', byDefault: true },
};
/** Comes by a setting of its own, not by the list of tools. */
const SWITCH_LLM = 'switch_llm';

/** Every tool that an agent can be given, with what a person has to know to choose. */
export function toolCatalogue(tools: ToolRegistry, isUsable: (name: string) => boolean): ToolCatalogue {
  const names = [...tools.available(), SWITCH_LLM];
  return {
    tools: names.map((name) => {
      const choice = CHOICES[name];
      return {
        name,
        user_selectable: choice !== undefined,
        usable: isUsable(name),
        description: choice?.description ?? '',
        in_default_set: choice?.byDefault ?? false,
      };
    }),
  };
}

const text: JsonSchema = { type: 'string' };
const no = { type: 'boolean', default: false } as const;
const yes = { type: 'boolean', default: true } as const;

/** The schemas of the answers. */
export function toolSchemas(): Record<string, JsonSchema> {
  const properties = {
    name: text,
    user_selectable: yes,
    usable: yes,
    description: { ...text, default: '' },
    in_default_set: no,
  };
  const entry: JsonSchema = { type: 'object', properties, required: ['name'] };
  const tools: JsonSchema = { type: 'array', items: { $ref: '#/components/schemas/ToolCatalogEntry' } };
  return {
    ToolCatalogEntry: entry,
    ToolCatalogResponse: { type: 'object', properties: { tools }, required: ['tools'] },
  };
}

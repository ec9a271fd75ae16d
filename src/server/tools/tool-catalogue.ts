import { type JsonSchema, objectSchema } from '../../http/index.js';
import type { ToolRegistry } from '../../tools/index.js';

/** A tool, described for people who configure an agent. */
interface CatalogueEntry {
  name: string;
  /** People can select it; other tools are enabled by settings or by agents. */
  user_selectable: boolean;
  /** Whether it works on this server. */
  usable: boolean;
  description: string;
  /** Agents have it by default. */
  in_default_set: boolean;
}

/** The answer of `/api/tools/catalog`. */
export interface ToolCatalogue {
  tools: CatalogueEntry[];
}

/** The tools that people can select. Selection and default set are those of the original. */
const CHOICES: Readonly<Record<string, { description: string; byDefault?: true }>> = {
  terminal: { description: 'Runs commands in a shell that keeps its state.', byDefault: true },
  file_editor: { description: 'Views, creates and edits files.', byDefault: true },
  task_tracker: { description: 'Keeps a list of tasks.', byDefault: true },
  browser_tool_set: { description: 'Opens web pages, reads them and interacts with them.', byDefault: true },
  task_tool_set: { description: 'Delegates tasks to sub-agents.' },
  glob: { description: 'Finds files by name, with patterns such as **/*.ts.' },
  grep: { description: 'Finds files whose contents match a regular expression.' },
  switch_llm: { description: 'Switches to the model of another LLM profile.', byDefault: true },
};
/** Enabled by a setting of its own, not by the list of tools. */
const SWITCH_LLM = 'switch_llm';

/** Describes every available tool. */
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

/** Schemas of the catalogue. */
export function toolSchemas(): Record<string, JsonSchema> {
  const entry = objectSchema({
    name: [text, 'Name of the tool, as configurations of agents list it.'],
    'user_selectable?': [
      yes,
      'Whether people can select it. Other tools are enabled by a setting or by the agent itself.',
    ],
    'usable?': [
      yes,
      'Whether it works on this server: the browser tools need Chromium and `enable_browser`.',
    ],
    'description?': [
      { ...text, default: '' },
      'What the tool does, in one sentence for people; empty for tools that they cannot select.',
    ],
    'in_default_set?': [no, 'Whether the agent of a profile that lists no tools has it.'],
  });
  const tools: JsonSchema = { type: 'array', items: { $ref: '#/components/schemas/ToolCatalogEntry' } };
  return {
    ToolCatalogEntry: entry,
    ToolCatalogResponse: objectSchema({ tools: [tools, 'All tools that this server knows.'] }),
  };
}

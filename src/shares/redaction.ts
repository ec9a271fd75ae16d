import os from 'node:os';
import { asJsonObject, isJsonObject, tryParseJson, type JsonObject } from '../json/index.js';

/** What is left out of what a share link shows. */
export interface RedactionSources {
  /** The folder that the agent works in, and others of the server with what stands in their place. */
  folders: readonly (readonly [folder: string, shown: string])[];
  /** Replaces secrets. */
  mask: (text: string) => string;
}

/** State updates that say how the work goes. Others have the configuration of the agent. */
const SHOWN_UPDATES = ['execution_status', 'title', 'last_user_message_id'];
/** Home folders of people, whoever they are. */
const HOMES = /(?<![\w.~-])\/(?:home|Users)\/[\w.-]+(?![\w-])/g;
const NOT_SHOWN = 'Not part of what is shared.';

/**
 * Shows events to people without a key: secrets are masked, folders of the machine have other names, and the
 * system prompt and the configuration of the agent are left out.
 */
export class Redaction {
  private readonly folders: readonly (readonly [RegExp, string])[];
  private readonly mask: (text: string) => string;

  constructor({ folders, mask }: RedactionSources) {
    this.mask = mask;
    const all = [...folders, [os.homedir(), '<home>'] as const].filter(([folder]) => folder.length > 1);
    // The longest first: a workspace is usually below the home folder.
    this.folders = [...new Map(all.toReversed()).entries()]
      .sort(([one], [other]) => other.length - one.length)
      .map(([folder, shown]) => [pattern(folder), shown] as const);
  }

  text(text: string): string {
    let shown = this.mask(text);
    for (const [folder, name] of this.folders) shown = shown.replace(folder, () => name);
    return shown.replace(HOMES, '<home>');
  }

  /** An event of a log as it is shown, as JSON. */
  event(line: string): string {
    const event = asJsonObject(tryParseJson(line));
    return JSON.stringify(this.value(withoutConfiguration(event)));
  }

  value(value: unknown): unknown {
    if (typeof value === 'string') return this.text(value);
    if (Array.isArray(value)) return value.map((one) => this.value(one));
    if (!isJsonObject(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [this.text(name), this.value(one)]));
  }
}

function withoutConfiguration(event: JsonObject): JsonObject {
  switch (event['kind']) {
    case 'SystemPromptEvent':
      return { ...event, system_prompt: { type: 'text', text: NOT_SHOWN }, tools: [], dynamic_context: null };
    case 'LLMCompletionLogEvent':
      // It has the system prompt, too.
      return { ...event, log_data: NOT_SHOWN };
    case 'HookExecutionEvent':
      return { ...event, hook_command: NOT_SHOWN, hook_input: null };
    case 'ConversationStateUpdateEvent':
      return SHOWN_UPDATES.includes(String(event['key'])) ? event : { ...event, value: null };
    default:
      // The texts of skills and rules.
      return Object.hasOwn(event, 'extended_content') ? { ...event, extended_content: [] } : event;
  }
}

/** A folder where its name begins and ends: `/root` is not in `/rooted` or `/tmp/root`. */
function pattern(folder: string): RegExp {
  return new RegExp(`(?<![\\w.~-])${folder.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')}(?![\\w-])`, 'g');
}

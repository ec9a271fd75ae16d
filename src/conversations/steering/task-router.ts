import { withoutTrailing } from '../../text/index.js';
import { HostRefusal, type ModelQuestion } from '../../tools/index.js';
import { isJsonObject } from '../../json/index.js';

/** A parsed meta-profile: classes of tasks and their models, from which a classifier model chooses. */
export interface RoutingTable {
  /** The LLM profile of the classifier. */
  classifier: string;
  /** Classes of tasks, each with an LLM profile. */
  classes: { description: string; model: string }[];
  /**
   * A prompt that is used instead of classes, with the placeholders `{{ instance_text }}` and
   * `{{ model_table }}`. The answer is the name of a profile.
   */
  template: string | null;
  table: string;
}

/** Characters of the conversation that the classifier is shown, taken from its end. */
const MAX_EXCERPT = 8_000;
/** Characters of the classifier's reply that error messages quote. */
const MAX_REPLY = 200;

/** The class of a task, and the LLM profile for it. */
interface Route {
  chosenClass: string;
  profile: string;
}

/** The question for the classifier. */
export function routingQuestion(table: RoutingTable, conversation: string): ModelQuestion {
  const excerpt = conversation.slice(-MAX_EXCERPT);
  const base = { profile: table.classifier, usageId: `classifier:${table.classifier}` };
  if (table.template !== null) {
    const question = table.template
      .replaceAll(/\{\{\s*instance_text\s*\}\}/g, () => excerpt)
      .replaceAll(/\{\{\s*model_table\s*\}\}/g, () => table.table);
    return { ...base, instructions: 'You choose the model that suits a task.', question };
  }
  const list = table.classes.map(({ description }, index) => `${index + 1}. ${description}`);
  return {
    ...base,
    instructions:
      'You choose the category that the task of a conversation belongs to.\n\n' +
      `Categories:\n${list.join('\n')}\n\n` +
      'Answer with the number of the category and nothing else; with 0 if none of them fits.',
    question: `The conversation, as far as it has come:\n${excerpt}\n\nNumber of the category:`,
  };
}

/**
 * Parses the classifier's reply.
 * @param profiles the names of all LLM profiles
 * @throws HostRefusal if it names no known class or profile
 */
export function parseRoute(table: RoutingTable, reply: string, profiles: readonly string[]): Route {
  const quoted = `(reply: '${reply.trim().slice(0, MAX_REPLY)}')`;
  if (table.template !== null) {
    const profile = lastProfileNamed(reply, profiles);
    if (profile !== undefined) return { chosenClass: `model: ${profile}`, profile };
    throw new HostRefusal(
      `Classifier reply did not resolve to a saved LLM profile ${quoted}; nothing was switched. Try again, or extend the model table.`,
    );
  }
  const number = Number(/\d+/.exec(reply)?.[0] ?? 0);
  const chosen = table.classes[number - 1];
  if (chosen) return { chosenClass: chosen.description, profile: chosen.model };
  throw new HostRefusal(
    `Classifier did not pick a valid category ${quoted}; nothing was switched. Try again, or correct the classes of the meta-profile.`,
  );
}

/** The profile that a text names last: models list alternatives before they state their choice. */
function lastProfileNamed(text: string, profiles: readonly string[]): string | undefined {
  const words: string[] = text.match(/[A-Za-z0-9][\w.-]*/g) ?? [];
  return words.map((word) => withoutTrailing(word, '.-')).findLast((word) => profiles.includes(word));
}

/** Parses a meta-profile; undefined if it has no classifier. */
export function parseRoutingTable(value: unknown): RoutingTable | undefined {
  if (!isJsonObject(value)) return undefined;
  const { classifier_model: classifier, classes, prompt_template: template, model_table: table } = value;
  if (typeof classifier !== 'string') return undefined;
  return {
    classifier,
    classes: Array.isArray(classes) ? classes.flatMap(parseClass) : [],
    template: typeof template === 'string' ? template : null,
    table: typeof table === 'string' ? table : '',
  };
}

function parseClass(value: unknown): RoutingTable['classes'] {
  if (!isJsonObject(value)) return [];
  const { description, model } = value;
  return typeof description === 'string' && typeof model === 'string' ? [{ description, model }] : [];
}

import { isJsonObject } from '../json/index.js';

/** Where a value comes from. */
export interface ConfigSource {
  kind: 'default' | 'file' | 'variable' | 'command_line' | 'init';
  /** The file, variable or option; null for a default. */
  name: string | null;
}

const DEFAULT: ConfigSource = { kind: 'default', name: null };

/** What is known about the origin of the options when the configuration is loaded. */
interface OriginFacts {
  file: { name: string; exists: boolean };
  /** What the file sets. */
  inFile: unknown;
  /** What variables set. */
  inVariables: unknown;
  /** The variable that set the value at a path. */
  variableAt: (path: string) => string | undefined;
  /** What has no effect. */
  warnings: readonly string[];
}

/** Where the values of a configuration come from, for people who ask why an option has its value. */
export class ConfigOrigin {
  private readonly others = new Map<string, ConfigSource>();

  constructor(private readonly facts: OriginFacts = NOTHING) {}

  get file(): { name: string; exists: boolean } {
    return this.facts.file;
  }

  get warnings(): readonly string[] {
    return this.facts.warnings;
  }

  /** Records where an option comes from that neither the file nor a variable of its name has set. */
  set(path: string, source: ConfigSource): void {
    this.others.set(path, source);
  }

  /** @param path such as `webhooks[0].num_retries` */
  sourceOf(path: string): ConfigSource {
    const { file, inFile, inVariables, variableAt } = this.facts;
    const other = this.others.get(path) ?? this.others.get(path.split(/[.[]/, 1)[0] ?? path);
    if (other !== undefined) return other;
    const variable = variableAt(path);
    if (variable !== undefined && isGiven(inVariables, path)) return { kind: 'variable', name: variable };
    return isGiven(inFile, path) ? { kind: 'file', name: file.name } : DEFAULT;
  }
}

const NOTHING: OriginFacts = {
  file: { name: '', exists: false },
  inFile: {},
  inVariables: {},
  variableAt: () => undefined,
  warnings: [],
};

/** Whether a document has a value at a path. */
function isGiven(document: unknown, path: string): boolean {
  let value = document;
  for (const name of path.split(/[.[\]]/).filter((part) => part !== '')) {
    if (Array.isArray(value)) value = value[Number(name)];
    else if (isJsonObject(value) && Object.hasOwn(value, name)) value = value[name];
    else return false;
  }
  return value !== undefined;
}

import type { SecretName } from '../../agent/index.js';
import type { NamedSecrets, ToolSecrets } from '../../tools/index.js';
import { asJsonObject, type JsonObject } from '../../json/index.js';
import {
  CODEX_AUTH_SECRET,
  credentialIn,
  lookUpSecret,
  SecretLookupError,
  tokensIn,
} from './lookup-secret.js';
import { MAX_SECRET_LENGTH, secretSources, staticValues, type SecretHolder } from './secret-sources.js';
import { StreamMask, TextMask } from './text-mask.js';

/** Pause before a failed lookup is retried (ms; the value of the OpenHands SDK). */
const RETRY_AFTER_MS = 60_000;
/** Looked-up values that stay masked after they changed: files and variables may still contain them. */
const MAX_FETCHED = 200;

/**
 * The secrets of one open conversation: provides their values to commands and masks them everywhere else.
 */
export class SecretVault implements ToolSecrets {
  /** Newest last. */
  private fetchedValues: Set<string> | undefined;
  private failures: Map<string, { at: number; source: string; reason: string }> | undefined;
  private cachedMask: { sources: unknown; context: unknown; mask: TextMask } | undefined;

  /** @param boundSecrets secrets that are not part of the state and take precedence over those that are */
  constructor(
    private readonly state: SecretHolder,
    private readonly boundSecrets: () => Readonly<Record<string, JsonObject>> = () => ({}),
  ) {}

  /** Names and descriptions in insertion order. */
  names(): SecretName[] {
    return Object.entries(this.sources()).map(([name, { description }]) => ({
      name,
      description: typeof description === 'string' && description !== '' ? description : null,
    }));
  }

  /** Resolves the secrets whose names occur in a command (case-insensitive). */
  async namedIn(command: string, signal: AbortSignal): Promise<NamedSecrets> {
    const text = command.toLowerCase();
    const named = Object.entries(this.sources()).filter(
      ([name]) => name !== '' && text.includes(name.toLowerCase()),
    );
    const variables: Record<string, string> = {};
    const problems: string[] = [];
    await Promise.all(
      named.map(async ([name, source]) => {
        try {
          variables[name] = assertNoNull(await this.valueOf(name, source, signal));
        } catch (error) {
          if (!(error instanceof SecretLookupError)) throw error;
          problems.push(`The secret ${name} is not available: ${error.message}`);
        }
      }),
    );
    return { variables, problems };
  }

  /**
   * Resolves all secrets by name. Those that are not available are left out.
   * @throws the reason of the signal once it is aborted
   */
  async all(signal: AbortSignal): Promise<Record<string, string>> {
    const { variables } = await this.namedIn(Object.keys(this.sources()).join(' '), signal);
    return variables;
  }

  mask(text: string): string {
    return this.textMask().mask(text);
  }

  stream(): StreamMask {
    return new StreamMask(() => this.textMask());
  }

  private sources(): Record<string, JsonObject> {
    return { ...secretSources(this.state), ...this.boundSecrets() };
  }

  private async valueOf(name: string, source: JsonObject, signal: AbortSignal): Promise<string> {
    const { kind, value, url, headers } = source;
    if (kind !== 'LookupSecret') {
      if (typeof value === 'string') return value;
      throw new SecretLookupError('it has no value on this server');
    }
    const identity = JSON.stringify(source);
    const failure = this.failures?.get(name);
    if (failure?.source === identity && performance.now() - failure.at < RETRY_AFTER_MS) {
      throw new SecretLookupError(failure.reason);
    }
    try {
      const answer = await lookUpSecret(String(url), textEntries(headers), signal);
      const found = name === CODEX_AUTH_SECRET ? (credentialIn(answer) ?? answer) : answer;
      this.failures?.delete(name);
      this.remember(found);
      if (name === CODEX_AUTH_SECRET) for (const token of tokensIn(found)) this.remember(token);
      return found;
    } catch (error) {
      if (error instanceof SecretLookupError) {
        this.failures ??= new Map();
        this.failures.set(name, { at: performance.now(), source: identity, reason: error.message });
      }
      throw error;
    }
  }

  private remember(value: string): void {
    const fetched = (this.fetchedValues ??= new Set());
    if (fetched.has(value)) return;
    fetched.add(value);
    let length = 0;
    for (const { length: own } of fetched) length += own;
    for (const oldest of fetched) {
      if (fetched.size <= MAX_FETCHED && length <= MAX_SECRET_LENGTH) break;
      fetched.delete(oldest);
      length -= oldest.length;
    }
    this.cachedMask = undefined;
  }

  /** Rebuilt when secrets were replaced: they are never changed in place. */
  private textMask(): TextMask {
    const { secrets, agent } = this.state;
    if (this.cachedMask?.sources === secrets && this.cachedMask.context === agent.agent_context)
      return this.cachedMask.mask;
    const values = staticValues(secretSources(this.state));
    const mask = new TextMask([...values, ...(this.fetchedValues ?? [])]);
    this.cachedMask = { sources: secrets, context: agent.agent_context, mask };
    return mask;
  }
}

/**
 * Shells drop null characters, so that they would print a value that is not masked. Programs cannot be
 * started with such a variable.
 */
function assertNoNull(value: string): string {
  if (!value.includes('\0')) return value;
  throw new SecretLookupError('it contains a null character, which no variable can');
}

function textEntries(value: unknown): Record<string, string> {
  const entries = Object.entries(asJsonObject(value));
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

import { Injectable } from '@nestjs/common';
import { asJsonObject, type JsonObject } from '../../json/index.js';
import { CredentialBindingRequiredError } from '../conversation-errors.js';
import { CODEX_AUTH_SECRET } from './lookup-secret.js';

/** Maximum number of bindings. The oldest ones are dropped, and their clients are asked to bind again. */
const MAX_BOUND = 10_000;

/** The URL that a credential is fetched from, and its request headers. */
export interface CredentialSource {
  url: string;
  headers: Record<string, string>;
}

/** The parts of a conversation's state that a binding changes. */
interface BoundState {
  secrets: Record<string, JsonObject>;
  agent: { agent_context: JsonObject | null };
  rest: JsonObject;
}

/**
 * The credential sources of conversations, by conversation id. The conversations need not exist yet. In
 * memory only: URLs and headers are never written to disk.
 */
@Injectable()
export class BoundCredentials {
  private readonly sources = new Map<string, CredentialSource>();

  sourceOf(id: string): CredentialSource | undefined {
    return this.sources.get(id);
  }

  bind(id: string, source: CredentialSource): void {
    this.sources.delete(id);
    this.sources.set(id, source);
    const [oldest] = this.sources.keys();
    if (this.sources.size > MAX_BOUND && oldest !== undefined) this.sources.delete(oldest);
  }

  /** Forks and children use the credential source of the conversation they come from. */
  share(from: string, to: string): void {
    const source = this.sources.get(from);
    if (source) this.bind(to, source);
  }

  unbind(id: string): void {
    this.sources.delete(id);
  }

  /**
   * Refuses to use a conversation whose binding was lost: its agent would start without credentials.
   * @throws CredentialBindingRequiredError
   */
  assertBound({ id, rest }: { id: string; rest: JsonObject }): void {
    if (requiredBindings(rest).length > 0 && !this.sources.has(id))
      throw new CredentialBindingRequiredError();
  }

  /** The bound credential as a secret source, by name. */
  secretsOf(id: string): Record<string, JsonObject> {
    const source = this.sources.get(id);
    return source ? { [CODEX_AUTH_SECRET]: { kind: 'LookupSecret', description: null, ...source } } : {};
  }
}

/** The names of the credentials that a conversation requires. */
export function requiredBindings(rest: JsonObject): string[] {
  const { required_runtime_credential_bindings: names } = rest;
  return Array.isArray(names) ? names.filter((name) => typeof name === 'string') : [];
}

/**
 * Records in the state that the conversation requires its bound credential. Secrets of the same name are
 * removed: the binding replaces them.
 */
export function requireBinding(state: BoundState): void {
  state.rest = { ...state.rest, required_runtime_credential_bindings: [CODEX_AUTH_SECRET] };
  state.secrets = without(state.secrets, CODEX_AUTH_SECRET);
  const { agent_context: context } = state.agent;
  const secrets = asJsonObject(context?.['secrets']);
  if (!Object.hasOwn(secrets, CODEX_AUTH_SECRET)) return;
  state.agent = {
    ...state.agent,
    agent_context: { ...context, secrets: without(secrets, CODEX_AUTH_SECRET) },
  };
}

function without<T>(values: Record<string, T>, name: string): Record<string, T> {
  return Object.fromEntries(Object.entries(values).filter(([key]) => key !== name));
}

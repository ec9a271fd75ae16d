import type { JsonObject } from '../../json/index.js';
import { CredentialBindingRequiredError } from '../conversation-errors.js';
import { CODEX_AUTH_SECRET } from './lookup-secret.js';

/** Bindings that are kept; the oldest go, and their clients are asked to bind again. */
const MAX_BOUND = 10_000;

/** Where a credential is fetched from. */
export interface CredentialSource {
  url: string;
  headers: Record<string, string>;
}

/** What a binding changes in the state of its conversation. */
interface BoundState {
  secrets: Record<string, JsonObject>;
  agent: { agent_context: JsonObject | null };
  rest: JsonObject;
}

/**
 * Where the credentials of conversations are fetched from, by the ids of conversations, which need not exist
 * yet. In memory only: neither an address nor its headers are written to the disk, and all are gone when the
 * server ends.
 */
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

  /** A fork or a child takes its credential from where the conversation that it comes from does. */
  share(from: string, to: string): void {
    const source = this.sources.get(from);
    if (source) this.bind(to, source);
  }

  unbind(id: string): void {
    this.sources.delete(id);
  }

  /**
   * A conversation that had a binding is not worked in without one: its agent would start signed out.
   * @throws CredentialBindingRequiredError
   */
  assertBound({ id, rest }: { id: string; rest: JsonObject }): void {
    if (requiredBindings(rest).length > 0 && !this.sources.has(id))
      throw new CredentialBindingRequiredError();
  }

  /** The bound credential as a secret to look up. */
  secretsOf(id: string): Record<string, JsonObject> {
    const source = this.sources.get(id);
    return source ? { [CODEX_AUTH_SECRET]: { kind: 'LookupSecret', description: null, ...source } } : {};
  }
}

/** The names of credentials that a conversation does not work without. */
export function requiredBindings(rest: JsonObject): string[] {
  const { required_runtime_credential_bindings: names } = rest;
  return Array.isArray(names) ? names.filter((name) => typeof name === 'string') : [];
}

/**
 * Notes in a state that its credential is bound; a secret of that name, which the binding replaces, is
 * removed.
 */
export function requireBinding(state: BoundState): void {
  state.rest = { ...state.rest, required_runtime_credential_bindings: [CODEX_AUTH_SECRET] };
  state.secrets = without(state.secrets, CODEX_AUTH_SECRET);
  const { agent_context: context } = state.agent;
  const given = context?.['secrets'];
  if (typeof given !== 'object' || given === null || !(CODEX_AUTH_SECRET in given)) return;
  const secrets: Record<string, unknown> = { ...given };
  state.agent = {
    ...state.agent,
    agent_context: { ...context, secrets: without(secrets, CODEX_AUTH_SECRET) },
  };
}

function without<T>(values: Record<string, T>, name: string): Record<string, T> {
  return Object.fromEntries(Object.entries(values).filter(([key]) => key !== name));
}

import {
  BadGatewayException,
  Injectable,
  NotFoundException,
  UnprocessableEntityException,
} from '@nestjs/common';
import { isJsonObject } from '../../http/field-type.js';
import { ConversationRegistry } from '../conversation-registry.js';
import { lookUp, SecretLookupError } from './lookup-secret.js';

/** The one credential that is bound so: how Codex is signed in, which its vendor renews from time to time. */
const CODEX_SIGN_IN = 'CODEX_AUTH_JSON';

/** Where a credential is fetched from. */
export interface CredentialSource {
  url: string;
  headers: Record<string, string>;
}

/** Credentials of agents from elsewhere that are fetched anew whenever the agent starts. */
@Injectable()
export class CredentialBindings {
  constructor(private readonly registry: ConversationRegistry) {}

  /**
   * Takes a credential from an address from now on, once what is there can be used. The agent gets it when it starts next.
   * @throws ConversationNotFoundError, HttpException
   */
  async bind(id: string, name: string, source: CredentialSource): Promise<void> {
    const conversation = await this.registry.acquire(id);
    if (conversation.state.agent.kind !== 'ACPAgent' || name !== CODEX_SIGN_IN)
      throw new NotFoundException('Not Found');
    const text = await fetched(source);
    if (!isSignIn(text)) throw invalid();
    const bound = { kind: 'LookupSecret', description: null, ...source };
    await conversation.change((state) => (state.secrets = { ...state.secrets, [name]: bound }));
  }
}

async function fetched({ url, headers }: CredentialSource): Promise<string> {
  try {
    // A lookup has a time limit of its own.
    return await lookUp(url, headers, new AbortController().signal);
  } catch (error) {
    if (!(error instanceof SecretLookupError)) throw error;
    if (error.isAnswered) throw invalid();
    throw new BadGatewayException('Credential binding source is unavailable');
  }
}

function invalid(): UnprocessableEntityException {
  return new UnprocessableEntityException('Credential binding source is invalid');
}

/** What Codex keeps in its `auth.json`: tokens of an account, or a key. */
function isSignIn(text: string): boolean {
  const value = parsed(text);
  if (!isJsonObject(value)) return false;
  const { tokens, OPENAI_API_KEY: key } = value;
  return isText(key) || (isJsonObject(tokens) && isText(tokens['access_token']));
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

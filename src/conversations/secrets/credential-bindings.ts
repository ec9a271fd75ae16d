import { setTimeout as sleep } from 'node:timers/promises';
import {
  BadGatewayException,
  ConflictException,
  ForbiddenException,
  type HttpException,
  Injectable,
  NotFoundException,
  NotImplementedException,
  UnprocessableEntityException,
} from '@nestjs/common';
import type { JsonObject } from '../../storage/index.js';
import { ConversationNotFoundError } from '../conversation-errors.js';
import { ConversationRegistry } from '../conversation-registry.js';
import { CODEX_SIGN_IN, keptCredential, lookUp, SecretLookupError } from './lookup-secret.js';

/** How long a keeper may take to answer (ms), and the pauses before it is asked again: the original's. */
const TIMEOUT_MS = 5_000;
const PAUSES_MS = [250, 500];
/** Bindings that are kept for conversations that do not exist yet; the oldest go. */
const MAX_WAITING = 1_000;

/** Where a credential is fetched from. */
export interface CredentialSource {
  url: string;
  headers: Record<string, string>;
}

/** Credentials of ACP agents that a keeper elsewhere holds: fetched anew whenever the agent starts. */
@Injectable()
export class CredentialBindings {
  /** By the id of a conversation that does not exist yet. In memory only. */
  private readonly waiting = new Map<string, CredentialSource>();

  constructor(private readonly registry: ConversationRegistry) {}

  /**
   * Takes a credential from its keeper from now on, once the keeper has answered. A conversation that does not exist yet
   * gets it when it is made.
   * @throws HttpException 404 for another name; 403, 409, 422, 501, 502 for what the keeper answers; 409 for an agent that
   *   runs already or takes none
   */
  async bind(id: string, name: string, source: CredentialSource): Promise<void> {
    if (name !== CODEX_SIGN_IN) throw new NotFoundException('Not Found');
    await probe(source);
    const conversation = await this.registry.acquire(id).catch((error: unknown) => {
      if (error instanceof ConversationNotFoundError) return undefined;
      throw error;
    });
    if (!conversation) {
      this.wait(id, source);
      return;
    }
    const { surroundings, state } = conversation;
    const isSame = state.secrets[name]?.['url'] === source.url;
    if (!surroundings.foreign || (surroundings.foreign.isRunning && !isSame)) {
      throw new ConflictException('Credential binding activation arrived after ACP initialization');
    }
    await conversation.change((changed) => (changed.secrets = { ...changed.secrets, ...secretOf(source) }));
  }

  /** The secret that was bound before its conversation was made, if there is one; it is handed out once. */
  take(id: string): Record<string, JsonObject> {
    const source = this.waiting.get(id);
    this.waiting.delete(id);
    return source ? secretOf(source) : {};
  }

  private wait(id: string, source: CredentialSource): void {
    this.waiting.delete(id);
    this.waiting.set(id, source);
    const [oldest] = this.waiting.keys();
    if (this.waiting.size > MAX_WAITING && oldest !== undefined) this.waiting.delete(oldest);
  }
}

function secretOf(source: CredentialSource): Record<string, JsonObject> {
  return { [CODEX_SIGN_IN]: { kind: 'LookupSecret', description: null, ...source } };
}

/** Asks the keeper, again after a pause where it may be there in a moment. @throws HttpException */
async function probe({ url, headers }: CredentialSource): Promise<void> {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) throw invalid();
  for (let attempt = 0; ; attempt++) {
    try {
      const answer = await lookUp(url, headers, AbortSignal.timeout(TIMEOUT_MS));
      if (keptCredential(answer) === undefined) throw invalid();
      return;
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal) throw refusal;
    }
    const pause = PAUSES_MS[attempt];
    if (pause === undefined) throw new BadGatewayException('Credential binding source is unavailable');
    await sleep(pause);
  }
}

/** What a failure is for the client; undefined: another attempt may help. */
function refusalOf(error: unknown): Error | undefined {
  if (!(error instanceof Error) || error.name === 'TimeoutError') return undefined;
  if (!(error instanceof SecretLookupError)) return error;
  switch (error.status) {
    case 401:
    case 403:
      return new ForbiddenException('Credential binding authorization was rejected');
    case 409:
      return new ConflictException('Credential binding source changed');
    case 200:
    case 400:
    case 404:
    case 422:
      return invalid();
    case 501:
      return new NotImplementedException('Credential binding source is unsupported');
    default:
      return undefined;
  }
}

function invalid(): HttpException {
  return new UnprocessableEntityException('Credential binding source is invalid');
}

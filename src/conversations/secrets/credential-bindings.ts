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
import { ConversationNotFoundError } from '../conversation-errors.js';
import { ConversationRegistry } from '../registry/conversation-registry.js';
import { isHttpUrl } from '../../text/index.js';
import { BoundCredentials, requireBinding, type CredentialSource } from './bound-credentials.js';
import { CODEX_SIGN_IN, keptCredential, lookUp, SecretLookupError } from './lookup-secret.js';

/** How long a keeper may take to answer (ms), and the pauses before it is asked again: the original's. */
const TIMEOUT_MS = 5_000;
const PAUSES_MS = [250, 500];
/** Credentials of ACP agents that a keeper elsewhere holds: fetched anew whenever the agent starts. */
@Injectable()
export class CredentialBindings {
  constructor(
    private readonly registry: ConversationRegistry,
    private readonly credentials: BoundCredentials,
  ) {}

  /**
   * Takes a credential from its keeper from now on, once the keeper has answered. A conversation that does
   * not exist yet gets it when it is made.
   * @throws HttpException 404 for another name; 403, 409, 422, 501, 502 for what the keeper answers; 409 for
   *   an agent that
   *   runs already or takes none
   */
  async bind(id: string, name: string, source: CredentialSource): Promise<void> {
    if (name !== CODEX_SIGN_IN) throw new NotFoundException('Not Found');
    await probe(source);
    const conversation = await this.registry.acquireUnbound(id).catch((error: unknown) => {
      if (error instanceof ConversationNotFoundError) return undefined;
      throw error;
    });
    const { credentials } = this;
    if (!conversation) return credentials.bind(id, source);
    const { acpAgent: foreign } = conversation.agentRuntime;
    if (!foreign || (foreign.isRunning && credentials.of(id)?.url !== source.url)) {
      throw new ConflictException('Credential binding activation arrived after ACP initialization');
    }
    credentials.bind(id, source);
    await conversation.change(requireBinding);
  }
}

/** Asks the keeper, again after a pause where it may be there in a moment. @throws HttpException */
async function probe({ url, headers }: CredentialSource): Promise<void> {
  if (!isHttpUrl(url)) throw invalid();
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

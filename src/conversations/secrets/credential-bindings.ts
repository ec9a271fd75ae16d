import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { DomainError, type ErrorKind } from '../../errors/index.js';
import { ConversationNotFoundError } from '../conversation-errors.js';
import { ConversationRegistry } from '../registry/conversation-registry.js';
import { isHttpUrl } from '../../text/index.js';
import { BoundCredentials, requireBinding, type CredentialSource } from './bound-credentials.js';
import { CODEX_AUTH_SECRET, credentialIn, lookUpSecret, SecretLookupError } from './lookup-secret.js';

/** Time limit of one request to a credential source (ms), and the pauses between attempts: the original's. */
const TIMEOUT_MS = 5_000;
const PAUSES_MS = [250, 500];

/** A credential cannot be bound. */
class CredentialBindingError extends DomainError {
  override readonly name = 'CredentialBindingError';
  constructor(
    readonly kind: ErrorKind,
    message: string,
  ) {
    super(message);
  }
}

/** Binds credentials of ACP agents to URLs. The credential is fetched again whenever the agent starts. */
@Injectable()
export class CredentialBindings {
  constructor(
    private readonly registry: ConversationRegistry,
    private readonly credentials: BoundCredentials,
  ) {}

  /**
   * Binds a credential once its source has answered with one. The conversation need not exist yet.
   * @throws CredentialBindingError for another name, a source that does not answer with a credential, and an
   *   agent that already runs or uses none
   */
  async bind(id: string, name: string, source: CredentialSource): Promise<void> {
    if (name !== CODEX_AUTH_SECRET) throw new CredentialBindingError('not-found', 'Not Found');
    await probe(source);
    const conversation = await this.registry.acquireUnbound(id).catch((error: unknown) => {
      if (error instanceof ConversationNotFoundError) return undefined;
      throw error;
    });
    const { credentials } = this;
    if (!conversation) return credentials.bind(id, source);
    const { acpAgent } = conversation.agentRuntime;
    if (!acpAgent || (acpAgent.isRunning && credentials.sourceOf(id)?.url !== source.url)) {
      throw new CredentialBindingError(
        'conflict',
        'Credential binding activation arrived after ACP initialization',
      );
    }
    credentials.bind(id, source);
    await conversation.change(requireBinding);
  }
}

/**
 * Asks the source for the credential. Failures that may be temporary are retried.
 * @throws CredentialBindingError
 */
async function probe({ url, headers }: CredentialSource): Promise<void> {
  if (!isHttpUrl(url)) throw invalid();
  for (let attempt = 0; ; attempt++) {
    try {
      const answer = await lookUpSecret(url, headers, AbortSignal.timeout(TIMEOUT_MS));
      if (credentialIn(answer) === undefined) throw invalid();
      return;
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal) throw refusal;
    }
    const pause = PAUSES_MS[attempt];
    if (pause === undefined) {
      throw new CredentialBindingError('upstream-failed', 'Credential binding source is unavailable');
    }
    await sleep(pause);
  }
}

/** The error for the client; undefined when another attempt may succeed. */
function refusalOf(error: unknown): Error | undefined {
  if (!(error instanceof Error) || error.name === 'TimeoutError') return undefined;
  if (!(error instanceof SecretLookupError)) return error;
  switch (error.status) {
    case 401:
    case 403:
      return new CredentialBindingError('forbidden', 'Credential binding authorization was rejected');
    case 409:
      return new CredentialBindingError('conflict', 'Credential binding source changed');
    case 200:
    case 400:
    case 404:
    case 422:
      return invalid();
    case 501:
      return new CredentialBindingError('unsupported', 'Credential binding source is unsupported');
    default:
      return undefined;
  }
}

function invalid(): CredentialBindingError {
  return new CredentialBindingError('invalid', 'Credential binding source is invalid');
}

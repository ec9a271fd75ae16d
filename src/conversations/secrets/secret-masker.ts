import type { SecretCodec } from '../../crypto/index.js';
import type { EventDraft } from '../../events/index.js';
import type { ConversationState } from '../state/conversation-state.js';
import { maskDraft } from './mask-draft.js';
import type { SecretVault } from './secret-vault.js';
import type { StreamMask } from './text-mask.js';

/** Removes the secrets of one conversation from what it stores, shows and logs. */
export class SecretMasker {
  constructor(
    private readonly state: Readonly<ConversationState>,
    private readonly vault: SecretVault,
    private readonly codec: SecretCodec,
  ) {}

  mask(text: string): string {
    return this.vault.mask(text);
  }

  /** For a text that arrives in pieces. */
  stream(): StreamMask {
    return this.vault.stream();
  }

  /** Also adds to an authentication error why the API key is missing, if a restart lost it. */
  maskEvent(draft: EventDraft): EventDraft {
    const masked = maskDraft(draft, (text) => this.vault.mask(text));
    if (masked.kind !== 'ConversationErrorEvent' || masked.classification.kind !== 'auth') return masked;
    const { id, agent } = this.state;
    const reason = agent.llm.api_key ? undefined : this.codec.whyMissing(id, '/agent/llm/api_key');
    if (reason === undefined) return masked;
    return { ...masked, detail: `${masked.detail}\nThe API key has no value: ${reason}.` };
  }
}

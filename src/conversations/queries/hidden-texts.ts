import path from 'node:path';
import { Injectable } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { ConversationNotFoundError } from '../conversation-errors.js';
import { ConversationRegistry } from '../registry/conversation-registry.js';
import { SecretVault } from '../secrets/secret-vault.js';

/** What somebody without a key must not see of a conversation: its secrets and the names of its folders. */
@Injectable()
export class HiddenTexts {
  constructor(
    private readonly registry: ConversationRegistry,
    private readonly config: AppConfig,
  ) {}

  /** @throws ConversationNotFoundError */
  async of(id: string): Promise<{ mask: (text: string) => string; folders: string[] }> {
    const opened = this.registry.opened(id);
    const state = opened?.state ?? (await this.registry.peek(id));
    if (!state) throw new ConversationNotFoundError(id);
    const { masker } = opened?.agentRuntime ?? { masker: new SecretVault(state) };
    const folder = state.workspace.working_dir;
    const folders = [folder, path.resolve(this.config.base_dir, folder), state.workspace_root];
    return {
      mask: (text) => masker.mask(text),
      folders: folders.filter((one): one is string => one !== undefined && path.isAbsolute(one)),
    };
  }
}

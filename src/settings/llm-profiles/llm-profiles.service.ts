import { Injectable } from '@nestjs/common';
import { Cipher, hideSecrets } from '../../crypto/index.js';
import { asText, type JsonObject } from '../../json/index.js';
import { AgentProfiles } from '../agent-profiles/agent-profiles.js';
import { withoutExtension } from '../dto/profile-name.js';
import { hasSecret } from '../dto/secret-text.js';
import { exposeSecrets, type Exposure } from '../dto/expose-secrets.js';
import { decryptSettingsSecrets } from '../dto/request-secrets.js';
import { LlmProfiles, completeProfileLlm, type ProfileInfo } from './llm-profiles.js';
import { ProfileChecker, type ProfileCheck } from './profile-check.js';
import { ProviderConnections } from '../provider-connections/provider-connections.js';
import { StillReferencedError, UnusableProfileError, ProfileNotFoundError } from '../settings-errors.js';
import { isOpenHands, withProfile } from '../user-settings/settings.service.js';
import { SettingsStore } from '../user-settings/settings-store.js';
import { completeLlm } from '../user-settings/complete-agent.js';
import { Documents } from '../../storage/index.js';

/** Manages LLM profiles and the references to them. */
@Injectable()
export class LlmProfilesService {
  constructor(
    private readonly documents: Documents,
    private readonly profiles: LlmProfiles,
    private readonly agents: AgentProfiles,
    private readonly connections: ProviderConnections,
    private readonly settings: SettingsStore,
    private readonly checker: ProfileChecker,
    private readonly cipher: Cipher,
  ) {}

  /** All profiles, and the active one. */
  async list(): Promise<{ profiles: ProfileInfo[]; active_profile: string | null }> {
    const { active_profile } = await this.settings.loadForReading();
    return { profiles: await this.profiles.list(), active_profile };
  }

  /**
   * @throws ProfileNotFoundError, UnusableProfileError; DanglingConnectionError if secrets are requested in
   *   clear
   */
  async get(name: string, exposure: Exposure): Promise<JsonObject> {
    const plain = withoutExtension(name);
    const stored = completeProfileLlm(plain, await this.profiles.stored(plain));
    const { fallback_strategy: _notShown, ...llm } =
      exposure === 'plaintext' ? await this.connections.resolve(stored, `Profile '${plain}'`) : stored;
    const config = exposure === 'redacted' ? hideSecrets(llm) : exposeSecrets(llm, exposure, this.cipher);
    return { name, config, api_key_set: await this.hasKey(stored) };
  }

  /**
   * Stores a profile. Replaces one of the same name.
   * @param sent a valid LLM; masked keys keep their stored values, and so do fallbacks that are null: answers
   *   do not show them, so whoever sends back a changed answer would remove them
   * @throws LimitReachedError, RefusedSettingsError
   */
  async save(name: string, sent: JsonObject, withSecrets: boolean): Promise<void> {
    const plain = withoutExtension(name);
    await this.documents.change(async (writer) => {
      const stored = await this.storedOrEmpty(plain);
      const llm = decryptSettingsSecrets(sent, stored, this.cipher);
      llm['fallback_strategy'] ??= stored['fallback_strategy'] ?? null;
      await this.profiles.save(writer, plain, completeLlm(llm), withSecrets);
    });
  }

  /** Deletes a profile if it exists. @throws StillReferencedError, UnreadableStoreError */
  async remove(name: string): Promise<void> {
    const plain = withoutExtension(name);
    await this.documents.change(async (writer) => {
      const users = await this.agents.usersOf(plain);
      if (users.length > 0) {
        throw new StillReferencedError(
          `LLM profile is referenced by ${users.length} agent profile(s): ${users.join(', ')}`,
        );
      }
      const settings = await this.settings.loadForReading();
      if (settings.active_profile === plain) {
        await this.settings.save(writer, { ...(await this.settings.load()), active_profile: null });
      }
      await this.profiles.remove(writer, plain);
    });
  }

  /**
   * Renames a profile and updates references to it.
   * @returns false if it already has that name
   * @throws ProfileNotFoundError, EntryExistsError, UnreadableStoreError
   */
  rename(name: string, newName: string): Promise<boolean> {
    const [from, to] = [withoutExtension(name), withoutExtension(newName)];
    return this.documents.change(async (writer) => {
      if (from === to) {
        await this.profiles.stored(from);
        return false;
      }
      const { active_profile } = await this.settings.loadForReading();
      const settings = active_profile === from ? await this.settings.load() : undefined;
      await this.profiles.rename(writer, from, to);
      await this.agents.renameLlmProfile(writer, from, to);
      if (settings) await this.settings.save(writer, { ...settings, active_profile: to });
      return true;
    });
  }

  /**
   * Activates a profile: its model becomes that of the settings.
   * @returns false if the settings are for an ACP agent and have no model
   * @throws ProfileNotFoundError, UnusableProfileError, DanglingConnectionError, UnreadableStoreError
   */
  activate(name: string): Promise<boolean> {
    return this.documents.change(async (writer) => {
      const profile = await this.profiles.load(withoutExtension(name));
      const settings = withProfile(await this.settings.load(), profile);
      await this.settings.save(writer, settings);
      return isOpenHands(settings);
    });
  }

  /**
   * Checks by a real call whether an LLM can be used. The profile is not changed.
   * @param keyId the key that pays for the call; null: the administrator's
   * @throws DanglingConnectionError, RefusedSettingsError, LimitReachedError
   */
  async check(name: string, sent: JsonObject, keyId: string | null): Promise<ProfileCheck> {
    const llm = decryptSettingsSecrets(sent, await this.storedOrEmpty(withoutExtension(name)), this.cipher);
    return this.checker.check(await this.connections.resolve(llm, 'LLM config'), keyId);
  }

  /** The stored LLM, from which masked secrets are restored. */
  private async storedOrEmpty(name: string): Promise<JsonObject> {
    return this.profiles.stored(name).catch((error: unknown) => {
      if (error instanceof ProfileNotFoundError || error instanceof UnusableProfileError) return {};
      throw error;
    });
  }

  private async hasKey(llm: JsonObject): Promise<boolean> {
    const id = asText(llm['provider_connection_id']);
    if (id === null) return hasSecret(llm['api_key']);
    const all = await this.connections.all();
    return hasSecret(all.find((connection) => connection.id === id)?.api_key);
  }
}

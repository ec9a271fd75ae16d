import { Injectable } from '@nestjs/common';
import { Cipher, hideSecrets } from '../../crypto/index.js';
import { asText, type JsonObject } from '../../json/index.js';
import { AgentProfiles } from '../agent-profiles/agent-profiles.js';
import { withoutEnding } from '../dto/profile-name.js';
import { hasSecret } from '../dto/secret-text.js';
import { exposed, type Exposure } from '../dto/expose-secrets.js';
import { decryptSettingsSecrets } from '../dto/request-secrets.js';
import { LlmProfiles, profileLlm, type ProfileInfo } from './llm-profiles.js';
import { ProfileChecker, type ProfileCheck } from './profile-check.js';
import { ProviderConnections } from '../provider-connections/provider-connections.js';
import { StillReferencedError, UnusableProfileError, ProfileNotFoundError } from '../settings-errors.js';
import { isOpenHands, withProfile } from '../user-settings/settings.service.js';
import { SettingsStore } from '../user-settings/settings-store.js';
import { completeLlm } from '../user-settings/complete-agent.js';
import { PersistenceFolder } from '../store/persistence-folder.js';

/** LLM profiles, and what depends on them. */
@Injectable()
export class LlmProfilesService {
  constructor(
    private readonly folder: PersistenceFolder,
    private readonly profiles: LlmProfiles,
    private readonly agents: AgentProfiles,
    private readonly connections: ProviderConnections,
    private readonly settings: SettingsStore,
    private readonly checker: ProfileChecker,
    private readonly cipher: Cipher,
  ) {}

  /** What there is, and which one is in use. */
  async list(): Promise<{ profiles: ProfileInfo[]; active_profile: string | null }> {
    const { active_profile } = await this.settings.loadForReading();
    return { profiles: await this.profiles.list(), active_profile };
  }

  /**
   * @throws ProfileNotFoundError, UnusableProfileError, DanglingConnectionError where secrets are wanted in
   * clear
   */
  async get(name: string, exposure: Exposure): Promise<JsonObject> {
    const plain = withoutEnding(name);
    const stored = profileLlm(plain, await this.profiles.stored(plain));
    const { fallback_strategy: _notShown, ...llm } =
      exposure === 'plaintext' ? await this.connections.resolved(stored, `Profile '${plain}'`) : stored;
    const config = exposure === 'redacted' ? hideSecrets(llm) : exposed(llm, exposure, this.cipher);
    return { name, config, api_key_set: await this.hasKey(stored) };
  }

  /**
   * Stores a profile in the place of another one of its name.
   * @param given a valid LLM; a key that comes back masked is the one that is stored
   * @throws LimitReachedError, RefusedSettingsError
   */
  async save(name: string, given: JsonObject, withSecrets: boolean): Promise<void> {
    const plain = withoutEnding(name);
    await this.folder.change(async (writer) => {
      const llm = decryptSettingsSecrets(given, await this.before(plain), this.cipher);
      await this.profiles.save(writer, plain, completeLlm(llm), withSecrets);
    });
  }

  /** Deletes a profile, if there is one. @throws StillReferencedError, UnreadableStoreError */
  async remove(name: string): Promise<void> {
    const plain = withoutEnding(name);
    await this.folder.change(async (writer) => {
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
   * Renames a profile; whatever refers to it follows.
   * @returns false where it has that name already
   * @throws ProfileNotFoundError, EntryExistsError, UnreadableStoreError
   */
  rename(name: string, newName: string): Promise<boolean> {
    const [from, to] = [withoutEnding(name), withoutEnding(newName)];
    return this.folder.change(async (writer) => {
      if (from === to) {
        await this.profiles.stored(from);
        return false;
      }
      const { active_profile } = await this.settings.loadForReading();
      const settings = active_profile === from ? await this.settings.load() : undefined;
      await this.profiles.rename(writer, from, to);
      await this.agents.follow(writer, from, to);
      if (settings) await this.settings.save(writer, { ...settings, active_profile: to });
      return true;
    });
  }

  /**
   * Makes the model of a profile that of the settings.
   * @returns whether the settings have a model
   * @throws ProfileNotFoundError, UnusableProfileError, DanglingConnectionError, UnreadableStoreError
   */
  activate(name: string): Promise<boolean> {
    return this.folder.change(async (writer) => {
      const profile = await this.profiles.load(withoutEnding(name));
      const settings = withProfile(await this.settings.load(), profile);
      await this.settings.save(writer, settings);
      return isOpenHands(settings);
    });
  }

  /**
   * Finds out by a real call whether an LLM can be used. Nothing is stored.
   * @throws DanglingConnectionError, RefusedSettingsError
   */
  async check(name: string, given: JsonObject): Promise<ProfileCheck> {
    const llm = decryptSettingsSecrets(given, await this.before(withoutEnding(name)), this.cipher);
    return this.checker.check(await this.connections.resolved(llm, 'LLM config'));
  }

  /** What is stored under a name, for secrets that come back masked. */
  private async before(name: string): Promise<JsonObject> {
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

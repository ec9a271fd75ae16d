import os from 'node:os';
import path from 'node:path';
import { Module } from '@nestjs/common';
import { AppConfig } from '../config/index.js';
import { Cipher, CryptoModule } from '../crypto/index.js';
import { AgentProfiles } from './agent-profiles.js';
import { LlmProfiles } from './llm-profiles.js';

/** What is stored for all conversations of a user. */
@Module({
  imports: [CryptoModule],
  providers: [
    {
      provide: AgentProfiles,
      inject: [AppConfig],
      useFactory: ({ base_dir }: AppConfig) =>
        new AgentProfiles(path.join(persistenceRoot(base_dir), 'agent-profiles')),
    },
    {
      provide: LlmProfiles,
      inject: [Cipher, AppConfig],
      useFactory: (cipher: Cipher, { base_dir }: AppConfig) =>
        new LlmProfiles(cipher, path.join(persistenceRoot(base_dir), 'profiles')),
    },
  ],
  exports: [LlmProfiles, AgentProfiles],
})
export class SettingsModule {}

/** The folder that OpenHands programs of one user share. */
function persistenceRoot(baseDir: string): string {
  const named = process.env['OH_PERSISTENCE_DIR'];
  return named ? path.resolve(baseDir, named) : path.join(os.homedir(), '.openhands');
}

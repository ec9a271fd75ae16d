import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { errorMessage } from '../../errors/index.js';
import { hasChromium, preloadTools } from '../../tools/index.js';

/** Loads tools as soon as the server listens, so that the first conversation does not wait for them. */
@Injectable()
export class ToolPreload implements OnApplicationBootstrap {
  private readonly logger = new Logger('Tools');

  constructor(private readonly config: AppConfig) {}

  /** In the background: first requests come first. */
  onApplicationBootstrap(): void {
    if (!this.config.preload_tools) {
      this.logger.debug('tools are loaded with the first conversation (preload_tools)');
      return;
    }
    setImmediate(() => void this.preload()).unref();
  }

  private async preload(): Promise<void> {
    try {
      await preloadTools();
      // A server without a browser is nothing unusual.
      const browser = this.config.enable_browser && (await hasChromium());
      this.logger.debug(`tools are loaded; ${browser ? 'there is a browser' : 'browser tools do not work'}`);
    } catch (error) {
      // The conversation that needs the tool fails with the same reason.
      this.logger.warn(`a tool cannot be loaded: ${errorMessage(error)}`);
    }
  }
}

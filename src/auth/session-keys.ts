import { Injectable } from '@nestjs/common';
import { AppConfig } from '../config/index.js';
import { KeySet } from './key-set.js';

/** The keys that open the server, for REST and sockets alike. */
@Injectable()
export class SessionKeys extends KeySet {
  constructor(config: AppConfig) {
    super(config.session_api_keys);
  }
}

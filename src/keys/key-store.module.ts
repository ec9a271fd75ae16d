import { Module } from '@nestjs/common';
import { DocumentsModule } from '../storage/documents.module.js';
import { KeyStore } from './store/key-store.js';

/** The stored keys without anything of the web, for the command line. */
@Module({ imports: [DocumentsModule], providers: [KeyStore], exports: [KeyStore] })
export class KeyStoreModule {}

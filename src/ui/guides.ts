import { existsSync } from 'node:fs';
import path from 'node:path';
import type { NextFunction, Request, Response } from 'express';
import { readBoundedText, undefinedIfMissing } from '../files/index.js';
import { isReading } from '../http/index.js';
import { sendFile } from '../workspace/index.js';
import { escapeHtml, ownPage, sendOwnPage } from './own-page.js';

/** Below it the documents have the same paths as in the repository, so that their links work as they are. */
const MOUNT = '/guides/';
const INDEX = 'docs/README.md';
/** The documents: of the folder itself and of `docs/`. */
const DOCUMENT =
  /^(?:README|CONTRIBUTING|CHANGELOG|(?:docs|bench|examples)\/(?:\w+\/)?[\w-]+)(?:\.\w+)?\.md$/;
/** Their pictures. */
const IMAGE = /^docs\/images\/[\w-]+\.(?:png|webp)$/;
const MAX_BYTES = 1024 * 1024;

/** The documents of the program as pages below `/guides/`, for browsers of people who have no checkout. */
export class Guides {
  /** Rendered documents: rendering takes some ms, and requests for them need no key. */
  private readonly pages = new Map<string, { text: string; html: string }>();

  /** @param folder of the program; without `docs/README.md` in it there are no guides */
  constructor(private readonly folder: string) {}

  get exist(): boolean {
    return existsSync(path.join(this.folder, INDEX));
  }

  /** Middleware before the routes. */
  readonly beforeRoutes = (request: Request, response: Response, next: NextFunction): void => {
    if (!isReading(request) || !`${request.path}/`.startsWith(MOUNT)) return next();
    const name = request.path.slice(MOUNT.length);
    if (name === '' && this.exist) response.redirect(302, `${request.baseUrl}${MOUNT}${INDEX}`);
    else if (IMAGE.test(name)) this.sendImage(name, request, response, next);
    else void this.answer(name, response).then((isDone) => (isDone ? undefined : next()), next);
  };

  private sendImage(name: string, request: Request, response: Response, next: NextFunction): void {
    const file = path.join(this.folder, name);
    if (existsSync(file)) sendFile(request, response, file, 'no-cache').catch(next);
    else next();
  }

  private async answer(name: string, response: Response): Promise<boolean> {
    const text = await this.read(name);
    if (text === undefined) return false;
    let page = this.pages.get(name);
    if (page?.text !== text) {
      page = { text, html: await this.page(name, text) };
      this.pages.set(name, page);
    }
    sendOwnPage(response, page.html);
    return true;
  }

  private async page(name: string, text: string): Promise<string> {
    const up = '../'.repeat(name.split('/').length);
    const title = text.startsWith('# ') ? text.slice(2, text.indexOf('\n')) : name;
    const navigation = `<nav><a href="${up}">OpenHands Agent Server</a><a href="${up}guides/${INDEX}">Guides</a><a href="${up}docs">API document</a></nav>`;
    return ownPage(title, `${navigation}\n<article>\n${await this.render(name, text)}</article>`);
  }

  private async read(name: string): Promise<string | undefined> {
    if (!DOCUMENT.test(name)) return undefined;
    const file = path.join(this.folder, name);
    return (await readBoundedText(file, MAX_BYTES).catch(undefinedIfMissing))?.text;
  }

  /** Links to what is not served (sources, examples) and images of others become text. */
  private async render(name: string, text: string): Promise<string> {
    const { Marked } = await import('marked');
    const isServed = (href: string): boolean => this.isServed(name, href);
    const marked = new Marked({
      renderer: {
        heading({ tokens, depth, text: title }) {
          return `<h${depth} id="${escapeHtml(anchor(title))}">${this.parser.parseInline(tokens)}</h${depth}>\n`;
        },
        link({ href, tokens }) {
          const label = this.parser.parseInline(tokens);
          const isReachable = /^(?:https?:|#)/.test(href) || isServed(href);
          return isReachable ? `<a href="${escapeHtml(href)}">${label}</a>` : label;
        },
        image({ href, text: label }) {
          const alt = escapeHtml(label);
          return IMAGE.test(pathFrom(name, href)) ? `<img src="${escapeHtml(href)}" alt="${alt}">` : alt;
        },
      },
    });
    return marked.parse(text);
  }

  private isServed(from: string, href: string): boolean {
    const target = pathFrom(from, href);
    return DOCUMENT.test(target) && existsSync(path.join(this.folder, target));
  }
}

/** The path that a link of a document leads to. */
function pathFrom(document: string, href: string): string {
  return path.posix.join(path.posix.dirname(document), href.split('#')[0] ?? '');
}

/** The anchor that GitHub gives a heading. */
function anchor(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-');
}

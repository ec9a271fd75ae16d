import { createServer, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';

const PAGES: Readonly<Record<string, string>> = {
  '/': `<title>Home</title><h1>Welcome</h1><p>Read the <a href="/more">rest</a> of it.</p>
    <pre>a\n  b</pre><ul><li>one<li>two</ul><table><tr><th>x<th>y</tr><tr><td>1<td>2</tr></table>
    <form action="/greet"><input name="who" placeholder="Your name">
    <select name="tone"><option>kind</option><option>gruff</option></select><button>Greet</button></form>
    <a href="/more" target="_blank">elsewhere</a><iframe srcdoc="<button>framed</button>"></iframe>
    <p style="display:none">unseen</p>`,
  '/more': '<title>More</title><p>There is more.</p>',
  '/dialog': '<title>Dialog</title><button onclick="document.title = confirm(\'Sure?\')">Ask</button>',
  '/loop': '<title>Loop</title><button onclick="for (;;);">Hang</button>',
  '/files': '<title>Files</title><a href="/file">Get it</a><a href="file:///etc/hostname">Local</a>',
  '/keep':
    '<title>Keep</title><script>localStorage.setItem("kept", "here"); document.cookie = "biscuit=1"</script>',
  '/long': `<title>Long</title><p>${'word '.repeat(30_000)}</p>`,
};

/** A small web site for tests of the browser. */
export class WebSite {
  /** Requests that are never answered. */
  readonly hanging: ServerResponse[] = [];

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(): Promise<WebSite> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (typeof address !== 'object' || address === null) throw new Error('no port');
    const site = new WebSite(server, `http://127.0.0.1:${address.port}`);
    server.on('request', (request, response) => site.answer(new URL(request.url ?? '/', site.url), response));
    return site;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  private answer({ pathname, searchParams }: URL, response: ServerResponse): void {
    if (pathname === '/never') return void this.hanging.push(response);
    if (pathname === '/file') {
      response.setHeader('content-disposition', 'attachment; filename="data.bin"');
      return void response.end('data');
    }
    const greeting = `<title>Greeting</title><p>Hello ${searchParams.get('who')}, ${searchParams.get('tone')}.</p>`;
    const page = pathname === '/greet' ? greeting : PAGES[pathname];
    response.writeHead(page === undefined ? 404 : 200, { 'content-type': 'text/html' });
    response.end(page ?? '<title>Lost</title>');
  }
}

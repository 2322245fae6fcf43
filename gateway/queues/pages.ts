import type { ShownJob } from './display.ts';
import { lakePage } from './display.ts';
import { type Html, html, textOf } from './html.ts';

/** A page of ours under `/queues`, beside bull-board's. */
function page(title: string, main: Html): string {
  return textOf(html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · Tributary</title>
<link rel="icon" href="/queues/files/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/queues/files/pages.css">
<script src="/queues/files/theme.js"></script>
</head>
<body>${main}</body>
</html>
`);
}

/** For whoever has no pass: what this is, and how to get in; in a tab with a token it goes on by itself (files/session.js). */
export function entryPage(why: string): string {
  return page(
    'Queues',
    html`<script src="/queues/files/session.js"></script>
<main class="short opening">
<h1>Opening the queues …</h1>
<p>As whoever is signed in to the console in this tab.</p>
</main>
<main class="short entry">
<h1>The queues are for operators</h1>
<p>${why}</p>
<p>Sign in to the console as an operator, then open the queues from its overview, or come back here in the same tab.
A token for trying things out: <code>npm run -s token -- olga operator</code></p>
<div class="actions">
<button class="button" id="continue" type="button" hidden>Go on</button>
<a class="button" href="/signin">Sign in to the console</a>
</div>
<p id="note" role="alert"></p>
</main>`,
  );
}

/** For when something is wrong that no sign-in puts right. */
export function troublePage(title: string, what: string): string {
  return page(
    title,
    html`<main class="short">
<h1>${title}</h1>
<p>${what}</p>
<div class="actions"><a class="button" href="">Try again</a><a class="button" href="/">Console</a></div>
</main>`,
  );
}

/** All events of a job, each with the way to the lake. */
export function jobPage(service: string, jobId: string, { events, source, replay }: ShownJob): string {
  const rows = events.map(
    ({ id, type, subject, time }, index) => html`<tr>
<td>${index + 1}</td><td>${type}</td><td class="id">${subject}</td><td>${time}</td>
<td class="id"><a href="${lakePage(id)}">${id}</a></td>
</tr>`,
  );
  const count = events.length === 1 ? '1 event' : `${events.length} events`;
  return page(
    `Job ${jobId}`,
    html`<main>
<nav><a href="/queues">Queues</a></nav>
<h1>${count} for ${service}</h1>
<p>Job ${jobId}, sent by ${source}${replay ? ` for the replay ${replay}` : ''}. In the order in which they were sent.</p>
<div class="table"><table>
<thead><tr><th scope="col">#</th><th scope="col">Type</th><th scope="col">Subject</th><th scope="col">Time</th><th scope="col">In the lake</th></tr></thead>
<tbody>${rows}</tbody>
</table></div>
</main>`,
  );
}

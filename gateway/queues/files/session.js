// The page for whoever has no pass. Where somebody is signed in to the console in this tab it goes on by itself; the rest of it is
// shown only to others, or says why not. The token goes into one request's header; the cookie that answers it is out of reach for scripts.
const TOKEN = 'tributary.token';
const token = sessionStorage.getItem(TOKEN);
const { dataset } = document.documentElement;

/** @returns what to say when there is no way in, and whether there may be one later. */
async function enter() {
  try {
    const answer = await fetch('/queues/session', { method: 'POST', headers: { authorization: `Bearer ${token}` } });
    if (!answer.ok) {
      const { errors } = await answer.json();
      return { problem: errors[0].message, passing: answer.status >= 500 };
    }
    // Asked before the page is loaded anew, which would otherwise come back here for ever.
    const { status } = await fetch(location.href);
    if (status === 401)
      return { problem: 'This browser keeps no cookie of this site: the queues need one.', passing: true };
    location.reload();
  } catch {
    return { problem: 'The gateway does not answer. Try again.', passing: true };
  }
}

function ownerOf(token) {
  try {
    const bytes = Uint8Array.from(atob(token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/')), c =>
      c.charCodeAt(0),
    );
    return String(JSON.parse(new TextDecoder().decode(bytes)).sub);
  } catch {
    return undefined;
  }
}

const goOn = () => {
  dataset.opening = '';
  return enter();
};

async function show(entering) {
  const refusal = await entering;
  if (!refusal) return;
  const button = document.getElementById('continue');
  delete dataset.opening;
  document.getElementById('note').textContent = refusal.problem;
  button.textContent = `Go on as ${ownerOf(token) ?? 'before'}`;
  button.hidden = !refusal.passing;
  button.onclick = () => show(goOn());
}

if (token) {
  const entering = goOn();
  addEventListener('DOMContentLoaded', () => show(entering));
}

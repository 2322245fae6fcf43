// The page that says how to get in: whoever is signed in to the console in this tab goes on from here. The token goes
// into one request's header; the cookie that answers it is out of reach for scripts.
const TOKEN = 'tributary.token';
const button = document.getElementById('continue');
const note = document.getElementById('note');

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

async function enter(token) {
  button.disabled = true;
  note.textContent = '';
  try {
    const answer = await fetch('/queues/session', { method: 'POST', headers: { authorization: `Bearer ${token}` } });
    if (answer.ok) return location.reload();
    const { errors } = await answer.json();
    note.textContent = errors[0].message;
  } catch {
    note.textContent = 'The gateway does not answer. Try again.';
  }
  button.disabled = false;
}

const token = sessionStorage.getItem(TOKEN);
const owner = token ? ownerOf(token) : undefined;
if (button && note && token && owner) {
  button.textContent = `Go on as ${owner}`;
  button.hidden = false;
  button.addEventListener('click', () => enter(token));
}

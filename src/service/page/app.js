// Keeps the page as it is now, and sends what its user asks for. All markup is made and escaped by the daemon: here its nodes are
// put in place of those before, and text is only ever set as text. Without this script the pages can be read all the same.
(() => {
  'use strict';
  const $ = (id) => document.getElementById(id);
  const root = document.documentElement;
  // Between two looks at the live part at least; a night of many modems has many events a second.
  const LOOK_MS = 700;
  // Between two things that are said aloud at least.
  const SAY_MS = 4000;
  const TOKEN = 'lineman-token';

  // ---- dark, light, or as the system has it; the report's page keeps the same word -----------------------------------
  const themes = ['auto', 'dark', 'light'];
  let theme = 'auto';
  try { theme = localStorage.getItem('lineman-theme') || 'auto'; } catch { /* then for this visit alone */ }
  const dress = () => {
    if (!themes.includes(theme)) theme = 'auto';
    if (theme === 'auto') root.removeAttribute('data-theme'); else root.setAttribute('data-theme', theme);
    if ($('theme')) $('theme').textContent = 'Colours: ' + theme;
  };
  if ($('theme')) {
    $('theme').addEventListener('click', () => {
      theme = themes[(themes.indexOf(theme) + 1) % themes.length];
      try { localStorage.setItem('lineman-theme', theme); } catch { /* the same */ }
      dress();
    });
    $('theme').hidden = false;
  }
  dress();

  // ---- times: those of the daemon are UTC; whoever looks may be elsewhere --------------------------------------------
  const here = new Intl.DateTimeFormat(undefined, { weekday: 'short', hour: '2-digit', minute: '2-digit', timeZoneName: 'short' });
  const localize = (part) => {
    for (const time of part.querySelectorAll('time[datetime]')) {
      const at = new Date(time.dateTime);
      if (!Number.isNaN(at.getTime())) time.title = here.format(at);
    }
  };
  const offset = new Date().getTimezoneOffset();
  if (offset && $('zone')) {
    const hours = -offset / 60;
    $('zone').textContent = `; here it is ${hours > 0 ? '+' : ''}${hours} h (${Intl.DateTimeFormat().resolvedOptions().timeZone})`;
  }

  // ---- what is said aloud: failures and answers, never every event -----------------------------------------------------
  let spoken = 0;
  let unsaid = [];
  let saying = 0;
  const say = () => {
    saying = 0;
    if (!unsaid.length || !$('said')) return;
    $('said').textContent = unsaid.length > 3 ? `${unsaid.length} lines failed, the last is ${unsaid[unsaid.length - 1]}` : unsaid.join('; ');
    unsaid = [];
    spoken = performance.now();
  };
  const tell = (text) => {
    unsaid.push(text);
    if (!saying) saying = setTimeout(say, Math.max(0, spoken + SAY_MS - performance.now()));
  };

  // ---- the live part ---------------------------------------------------------------------------------------------------
  const live = $('live');
  const prepare = (part) => {
    localize(part);
    for (const acts of part.querySelectorAll('[data-needs-script]')) acts.hidden = false;
  };
  // Puts the new nodes where they differ: whoever is typing, has opened something, or has the focus somewhere keeps it.
  const key = (node) => node.id || node.getAttribute?.('aria-labelledby') || node.dataset?.do || '';
  const same = (a, b) => a.nodeName === b.nodeName && key(a) === key(b);
  // What stands at this place, or further on where blanks, or something that has gone, lie before it.
  const match = (at, node) => {
    if (node.nodeType !== Node.ELEMENT_NODE) return at && same(at, node) ? at : null;
    let steps = 0;
    for (let other = at; other; other = other.nextSibling) {
      if (other.nodeType !== Node.ELEMENT_NODE) continue;
      if (same(other, node)) return other;
      steps += 1;
      if (!key(node) && steps > 1) return null;
    }
    return null;
  };
  const merge = (old, fresh) => {
    if (old.isEqualNode(fresh)) return;
    if (old.nodeType !== Node.ELEMENT_NODE) { old.nodeValue = fresh.nodeValue; return; }
    for (const { name } of Array.from(old.attributes)) {
      if (!fresh.hasAttribute(name) && !['open', 'hidden'].includes(name)) old.removeAttribute(name);
    }
    for (const { name, value } of Array.from(fresh.attributes)) {
      if (name !== 'open' && old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    if (['INPUT', 'SELECT', 'TEXTAREA'].includes(old.nodeName)) return;
    let at = old.firstChild;
    for (const node of Array.from(fresh.childNodes)) {
      const found = match(at, node);
      if (!found) { old.insertBefore(node, at); continue; }
      // What is moved loses the focus: blanks make way instead.
      while (at !== found && at.nodeType === Node.TEXT_NODE && !at.nodeValue.trim()) {
        const blank = at;
        at = at.nextSibling;
        blank.remove();
      }
      if (found === at) at = at.nextSibling; else old.insertBefore(found, at);
      merge(found, node);
    }
    while (at) {
      const next = at.nextSibling;
      at.remove();
      at = next;
    }
  };
  const part = () => {
    const address = new URL(location.href);
    address.hash = '';
    address.searchParams.set('part', '1');
    return address;
  };
  // When a run has ended, what stands beside the live part is another too.
  let wholly = false;
  const whole = () => new URL(location.pathname + location.search, location.href);
  const fetched = async (all) => {
    const answer = await fetch(all ? whole() : part(), { cache: 'no-store' });
    if (!answer.ok) return null;
    const text = await answer.text();
    const page = new DOMParser().parseFromString(all ? text : `<div id="live">${text}</div>`, 'text/html');
    return page.getElementById(all ? 'main' : 'live');
  };
  let looking = false;
  let wanted = 0;
  let looked = 0;
  const look = async () => {
    wanted = 0;
    if (!live) return;
    if (looking) { soon(); return; }
    looking = true;
    try {
      const all = wholly;
      wholly = false;
      const old = all ? $('main') : live;
      const fresh = await fetched(all);
      if (fresh) {
        for (const { name, value } of Array.from(old.attributes)) fresh.setAttribute(name, value);
        // What was said here stays until something else is, and what the script wrote into the page.
        for (const id of ['act-said', 'token-state', 'token-open']) {
          const said = $(id), blank = fresh.querySelector(`#${id}`);
          if (said && blank) { blank.textContent = said.textContent; blank.className = said.className; }
        }
        prepare(fresh);
        merge(old, fresh);
        live.dataset.looks = String(Number(live.dataset.looks || 0) + 1);
      }
    } catch { /* the connection tells of itself */ }
    looking = false;
    looked = performance.now();
  };
  // At once where nothing was seen for a while, else when its time has come; a page that nobody sees waits until it is seen.
  const soon = () => {
    if (wanted || !live || document.hidden) { stale = stale || document.hidden; return; }
    wanted = setTimeout(look, Math.max(0, looked + LOOK_MS - performance.now()));
  };
  let stale = false;
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden && stale) { stale = false; soon(); }
  });
  // Seconds go on between two events, as long as somebody sees them.
  const tick = () => {
    if (document.hidden || !live) return;
    for (const span of live.querySelectorAll('.ticks')) {
      const seconds = Number(span.dataset.seconds) + 1;
      span.dataset.seconds = String(seconds);
      const h = Math.floor(seconds / 3600), m = Math.floor(seconds / 60) % 60, s = seconds % 60;
      const two = (n) => String(n).padStart(2, '0');
      span.textContent = h ? `${h} h ${two(m)} min` : m ? `${m} min ${two(s)} s` : `${s} s`;
    }
  };

  const link = (text, state) => {
    if (!$('link')) return;
    root.dataset.link = state;
    if ($('link').textContent !== text) $('link').textContent = text;
  };
  const heard = (message) => {
    let told;
    try { told = JSON.parse(message.data); } catch { return; }
    const event = told.event;
    const of = live.dataset.of;
    // A line's page has other lines' calls before it only as long as they hold its own up.
    if (of && event && event.line !== undefined && event.line !== of) return;
    // Calls are named by their lines.
    if (of && event && event.call !== undefined && event.line === undefined && !String(event.call).startsWith(of)) return;
    if (event && event.event === 'verdict' && event.fault) tell(`${event.line} ${event.fault}`);
    if (event && event.event === 'run-ended') wholly = true;
    soon();
  };
  if (live) {
    prepare(document);
    const events = new EventSource('/api/v1/events');
    events.addEventListener('open', () => link('Live.', 'live'));
    events.addEventListener('error', () => link(events.readyState === EventSource.CLOSED ? 'The connection was refused: load the page again.' : 'The connection is lost; it is tried again …', 'lost'));
    for (const kind of ['event', 'status', 'missed', 'picture']) events.addEventListener(kind, heard);
    addEventListener('pagehide', () => events.close());
    addEventListener('pageshow', (shown) => { if (shown.persisted) location.reload(); });
    setInterval(tick, 1000);
  } else {
    prepare(document);
  }

  // ---- what its user asks for ------------------------------------------------------------------------------------------
  const box = $('token-box');
  const token = () => { try { return sessionStorage.getItem(TOKEN) || ''; } catch { return held; } };
  let held = '';
  const keep = (value) => {
    held = value;
    try { if (value) sessionStorage.setItem(TOKEN, value); else sessionStorage.removeItem(TOKEN); } catch { /* for this page alone */ }
    showToken();
  };
  const showToken = () => {
    if (!$('token-state')) return;
    $('token-state').textContent = token() ? 'A token is kept in this tab.' : 'It is asked for when something is to be changed.';
    $('token-open').textContent = token() ? 'Forget the token' : 'Type the token';
  };
  const closed = (dialog) => new Promise((done) => {
    dialog.returnValue = '';
    dialog.addEventListener('close', () => done(dialog.returnValue), { once: true });
    dialog.showModal();
  });
  // What was wrong with the one before is said where it is asked for: nothing beside an open dialog is seen or read.
  const ask = async (wrong) => {
    const field = box.querySelector('input');
    field.value = '';
    $('token-said').textContent = wrong || '';
    const answer = await closed(box);
    const typed = field.value.trim();
    field.value = '';
    if (answer !== 'go' || !typed) return '';
    keep(typed);
    return typed;
  };
  showToken();
  $('token-open')?.addEventListener('click', () => { if (token()) keep(''); else ask(); });

  const SPAN = (minutes) => new Date(Date.now() + minutes * 60000).toISOString();
  const control = (form) => {
    const asked = {};
    for (const key of ['do', 'plan', 'line', 'bank', 'modem']) if (form.dataset[key]) asked[key] = form.dataset[key];
    if (form.dataset.daemon !== undefined) asked.daemon = true;
    for (const field of form.elements) {
      if (!field.name || !field.value) continue;
      asked[field.name] = field.dataset.span !== undefined ? SPAN(Number(field.value)) : field.value;
    }
    return asked;
  };
  const note = (text, tone) => {
    const said = $('act-said');
    if (!said) return;
    said.className = `act-said ${tone}`;
    said.textContent = text;
  };
  const sure = (form) => {
    const dialog = $('sure');
    if (!form.dataset.sure || !dialog) return Promise.resolve('yes');
    $('sure-h').textContent = form.dataset.sure;
    $('sure-what').textContent = form.dataset.what || '';
    return closed(dialog);
  };
  const send = async (form) => {
    if (await sure(form) !== 'yes') { note('Left as it was.', ''); return; }
    const asked = control(form);
    let with_ = token() || await ask();
    while (with_) {
      note('Asked …', '');
      let answer;
      try {
        answer = await fetch('/api/v1/control', {
          method: 'POST', credentials: 'omit', cache: 'no-store', body: JSON.stringify(asked),
          headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${with_}` },
        });
      } catch {
        note('The daemon could not be reached; nothing is known to have changed.', 'fail');
        return;
      }
      const told = await answer.json().catch(() => ({}));
      if (answer.status === 401) {
        keep('');
        note(told.error || 'The token is wrong.', 'fail');
        with_ = await ask(told.error || 'The token is wrong.');
        continue;
      }
      if (!answer.ok) {
        note([told.error || `Refused (${answer.status}).`, told.hint].filter(Boolean).join(' – '), 'fail');
        return;
      }
      note(told.said || 'Done.', 'pass');
      form.reset();
      if (form.dataset.watch !== undefined && told.run) {
        const address = new URL(location.href);
        address.searchParams.set('call', told.run);
        history.replaceState(null, '', address);
      }
      soon();
      return;
    }
    note('Without the token nothing is changed.', '');
  };
  document.addEventListener('submit', (submit) => {
    const form = submit.target;
    if (!form.matches('form.act')) return;
    submit.preventDefault();
    send(form);
  });

  // ---- keys --------------------------------------------------------------------------------------------------------------
  document.addEventListener('keydown', (key) => {
    if (key.key !== '/' || key.ctrlKey || key.metaKey || key.altKey || key.target.closest('input, select, textarea, dialog')) return;
    const field = document.querySelector('main input[type=search]') || document.querySelector('input[type=search]');
    if (field) { key.preventDefault(); field.focus(); }
  });
  performance.mark('lineman-ready');
})();

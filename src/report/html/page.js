// Brings the tables of the page to life: sorts, filters, opens a line's own section. All markup was made and escaped when the
// page was written; here nodes are moved, and text is only ever set as text.
(() => {
  'use strict';
  const $ = (id) => document.getElementById(id);
  const root = document.documentElement;
  // Rows that are put into the page at once; the next ones follow as they are scrolled to.
  const CHUNK = 120;

  // ---- dark, light, or as the system has it -------------------------------------------------------------------------
  const themes = ['auto', 'dark', 'light'];
  let theme = 'auto';
  // A page from a file, or in a frame without rights, may have no store.
  try { theme = localStorage.getItem('lineman-theme') || 'auto'; } catch { /* then for this visit alone */ }
  const dress = () => {
    if (!themes.includes(theme)) theme = 'auto';
    if (theme === 'auto') root.removeAttribute('data-theme'); else root.setAttribute('data-theme', theme);
    $('theme').textContent = 'Colours: ' + theme;
  };
  $('theme').addEventListener('click', () => {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length];
    try { localStorage.setItem('lineman-theme', theme); } catch { /* the same */ }
    dress();
  });
  $('theme').hidden = false;
  dress();

  // ---- the rows, as they were written -------------------------------------------------------------------------------
  const LINE = 0, SITE = 1, RESULT = 3, FAULT = 4, BLAME = 5, CHANGE = 6, CALLS = 9;
  const WORST_FIRST = ['fail', 'degraded', 'untested', '', 'pass'];
  const holder = document.createElement('template');
  // With scripts on, what stands in `noscript` is mere text.
  holder.innerHTML = $('rows').textContent;
  const table = holder.content.querySelector('table');
  const body = table.tBodies[0];
  const rows = Array.from(body.rows, (tr, place) => {
    const cells = Array.from(tr.cells, (cell) => cell.textContent.trim());
    return { tr, place, cells, change: tr.cells[CHANGE].dataset.c || '', text: cells.join(' ').toLowerCase() };
  });
  const byName = new Map(rows.map((row) => [row.cells[LINE], row]));
  body.replaceChildren();
  table.setAttribute('aria-rowcount', String(rows.length + 1));

  // ---- filters --------------------------------------------------------------------------------------------------------
  const form = $('filters');
  const picks = Array.from(form.querySelectorAll('input[name=result]'));
  const selects = { blame: BLAME, fault: FAULT };
  const changes = Array.from($('change').options, (option) => option.value).filter(Boolean);
  for (const [id, column] of Object.entries(selects)) {
    const words = new Set(rows.map((row) => row.cells[column]).filter(Boolean));
    for (const word of Array.from(words).sort()) $(id).add(new Option(word, word));
  }
  // Thousands of sites need not stand in the page before anybody asks for one.
  $('site').addEventListener('focus', () => {
    const sites = new Set(rows.map((row) => row.cells[SITE]));
    $('sites').replaceChildren(...Array.from(sites, (site) => new Option(site, site)));
  }, { once: true });

  const filter = () => ({
    words: $('q').value.toLowerCase().split(/\s+/).filter(Boolean),
    results: new Set(picks.filter((pick) => pick.checked).map((pick) => pick.value)),
    blame: $('blame').value,
    fault: $('fault').value,
    change: $('change').value,
    site: $('site').value.trim().toLowerCase(),
  });
  const tests = {
    words: (row, f) => f.words.every((word) => row.text.includes(word)),
    results: (row, f) => !f.results.size || f.results.has(row.cells[RESULT]),
    blame: (row, f) => !f.blame || row.cells[BLAME] === f.blame,
    fault: (row, f) => !f.fault || row.cells[FAULT] === f.fault,
    change: (row, f) => !f.change || row.change === f.change,
    site: (row, f) => !f.site || row.cells[SITE].toLowerCase().startsWith(f.site),
  };
  const kinds = Object.keys(tests);

  // ---- order ------------------------------------------------------------------------------------------------------------
  const collator = new Intl.Collator('en', { numeric: true });
  const keys = new Map();
  // What a column is sorted by: figures, ranks, or text; worked out once. Absent is always last.
  const keysOf = (column) => {
    if (!keys.has(column)) {
      let key;
      if (column === RESULT) key = (row) => WORST_FIRST.indexOf(row.cells[RESULT]);
      else if (column === CHANGE) key = (row) => (row.change ? changes.indexOf(row.change) : null);
      else if (column >= CALLS) key = (row) => (row.cells[column] ? Number(row.cells[column]) : null);
      else {
        const words = Array.from(new Set(rows.map((row) => row.cells[column]))).sort(collator.compare);
        const rank = new Map(words.map((word, place) => [word, place]));
        key = (row) => (row.cells[column] ? rank.get(row.cells[column]) : null);
      }
      keys.set(column, rows.map(key));
    }
    return keys.get(column);
  };
  // Worst first, as long as nobody says otherwise; a third press on a head gives the order of the plan back.
  let sorted = { column: RESULT, down: false };
  const inOrder = (list) => {
    if (!sorted) return list.sort((a, b) => a.place - b.place);
    const key = keysOf(sorted.column), sign = sorted.down ? -1 : 1;
    return list.sort((a, b) => {
      const x = key[a.place], y = key[b.place];
      if (x === y) return a.place - b.place;
      if (x === null) return 1;
      if (y === null) return -1;
      return (x - y) * sign;
    });
  };

  const button = (th, press) => {
    const head = document.createElement('button');
    head.type = 'button';
    head.append(...th.childNodes);
    th.append(head);
    th.scope = 'col';
    head.addEventListener('click', press);
  };
  const heads = Array.from(table.tHead.rows[0].cells);
  heads.forEach((th, column) => button(th, () => {
    if (!sorted || sorted.column !== column) sorted = { column, down: column > CALLS };
    else if (sorted.down === (column > CALLS)) sorted = { column, down: !sorted.down };
    else sorted = null;
    show();
  }));

  // ---- what is shown ------------------------------------------------------------------------------------------------------
  let chosen = [], drawn = 0;
  const draw = (upTo) => {
    const next = chosen.slice(drawn, upTo);
    body.append(...next.map((row) => row.tr));
    drawn += next.length;
    more.hidden = drawn >= chosen.length;
    more.textContent = 'Show more: ' + (chosen.length - drawn).toLocaleString('en') + ' left';
  };
  const more = document.createElement('button');
  more.type = 'button';
  more.addEventListener('click', () => draw(drawn + CHUNK));
  const empty = document.createElement('p');
  empty.className = 'empty';
  empty.textContent = 'No line fits all of these filters.';

  const count = (of, f, word) => {
    // Against all filters but its own: what a choice would show.
    const others = kinds.filter((kind) => kind !== of);
    const sums = new Map();
    for (const row of rows) {
      if (others.every((kind) => tests[kind](row, f))) sums.set(word(row), (sums.get(word(row)) || 0) + 1);
    }
    return sums;
  };
  const show = () => {
    const f = filter();
    chosen = inOrder(rows.filter((row) => kinds.every((kind) => tests[kind](row, f))));
    body.replaceChildren();
    drawn = 0;
    draw(CHUNK);
    empty.hidden = chosen.length > 0;
    heads.forEach((th, column) => {
      if (sorted && sorted.column === column) th.setAttribute('aria-sort', sorted.down ? 'descending' : 'ascending');
      else th.removeAttribute('aria-sort');
    });
    const results = count('results', f, (row) => row.cells[RESULT]);
    for (const n of form.querySelectorAll('.n')) n.textContent = (results.get(n.dataset.of) || 0).toLocaleString('en');
    for (const id of ['blame', 'fault', 'change']) {
      const sums = count(id, f, (row) => (id === 'change' ? row.change : row.cells[selects[id]]));
      for (const option of $(id).options) {
        if (!option.value) continue;
        option.dataset.word ||= option.textContent;
        option.textContent = option.dataset.word + ' (' + (sums.get(option.value) || 0).toLocaleString('en') + ')';
      }
    }
    $('shown').textContent = chosen.length === rows.length
      ? rows.length.toLocaleString('en') + ' lines.'
      : chosen.length.toLocaleString('en') + ' of ' + rows.length.toLocaleString('en') + ' lines.';
  };

  // ---- the address: a filter or a line can be passed on ---------------------------------------------------------------------
  const read = () => {
    const told = new Map();
    for (const part of location.hash.slice(1).split('&')) {
      const at = part.indexOf('=');
      if (at < 0) continue;
      let value = part.slice(at + 1);
      try { value = decodeURIComponent(value); } catch { /* not coded: as it is */ }
      told.set(part.slice(0, at), value);
    }
    return told;
  };
  const address = () => {
    const parts = [];
    const add = (key, value) => { if (value) parts.push(key + '=' + encodeURIComponent(value)); };
    add('result', picks.filter((pick) => pick.checked).map((pick) => pick.value).join('.'));
    for (const id of ['blame', 'fault', 'change', 'site', 'q']) add(id, $(id).value.trim());
    return '#' + (parts.join('&') || 'lines');
  };
  const note = () => { try { history.replaceState(null, '', address()); } catch { /* in a frame without rights */ } };
  const isFilter = (key) => ['result', 'blame', 'fault', 'change', 'site', 'q'].includes(key);
  const follow = () => {
    const told = read();
    if (told.has('line')) return open(told.get('line'));
    if (panel.open) panel.close();
    if (Array.from(told.keys()).some(isFilter)) {
      const results = (told.get('result') || '').split('.');
      for (const pick of picks) pick.checked = results.includes(pick.value);
      for (const id of ['blame', 'fault', 'change', 'site', 'q']) $(id).value = told.get(id) || '';
      show();
      $('lines').scrollIntoView();
    }
  };

  // ---- a line's own section ---------------------------------------------------------------------------------------------------
  const panel = $('panel');
  let sections = null, current = null;
  const open = (name) => {
    const row = byName.get(name);
    if (!row) { if (panel.open) panel.close(); return; }
    if (!sections) {
      const all = $('sections').textContent;
      sections = all.slice(0, all.lastIndexOf('<!--end-->')).split('<!--line-->').slice(1);
    }
    holder.innerHTML = sections[row.place];
    for (const th of holder.content.querySelectorAll('th')) th.scope = th.closest('thead') ? 'col' : 'row';
    // A target of the address would take the focus away from the panel.
    holder.content.querySelector('article').removeAttribute('id');
    $('panel-body').replaceChildren(holder.content);
    current = row;
    panel.setAttribute('aria-label', 'Line ' + name);
    const at = chosen.indexOf(row);
    $('before').disabled = at <= 0;
    $('after').disabled = at < 0 || at + 1 >= chosen.length;
    $('place').textContent = at < 0 ? '' : (at + 1).toLocaleString('en') + ' of ' + chosen.length.toLocaleString('en');
    if (!panel.open) panel.showModal();
    $('panel-body').scrollTop = 0;
    $('panel-body').focus({ preventScroll: true });
  };
  const step = (by) => {
    const next = chosen[chosen.indexOf(current) + by];
    if (current && chosen.includes(current) && next) {
      try { history.replaceState(null, '', '#line=' + encodeURIComponent(next.cells[LINE])); } catch { /* as above */ }
      open(next.cells[LINE]);
    }
  };
  $('before').addEventListener('click', () => step(-1));
  $('after').addEventListener('click', () => step(1));
  $('close').addEventListener('click', () => panel.close());
  panel.addEventListener('click', (event) => { if (event.target === panel) panel.close(); });
  document.addEventListener('keydown', (event) => {
    if (!panel.open || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.key === 'ArrowLeft') step(-1);
    else if (event.key === 'ArrowRight') step(1);
  });
  panel.addEventListener('close', () => {
    if (read().has('line')) note();
    const row = current;
    current = null;
    if (!row) return;
    const at = chosen.indexOf(row);
    if (at >= drawn) draw(at + 1);
    if (at >= 0 && document.activeElement === document.body) row.tr.querySelector('a').focus({ preventScroll: true });
  });

  body.addEventListener('click', (event) => {
    // A press anywhere on a row opens it, unless somebody is marking text.
    if (event.target.closest('a') || String(getSelection())) return;
    const link = event.target.closest('tr')?.querySelector('a');
    if (link) location.hash = link.hash;
  });
  body.addEventListener('keydown', (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const row = event.target.closest('tr');
    if (!by || !row) return;
    if (by > 0 && !row.nextElementSibling) draw(drawn + CHUNK);
    const next = by > 0 ? row.nextElementSibling : row.previousElementSibling;
    if (next) { next.querySelector('a').focus(); event.preventDefault(); }
  });
  document.addEventListener('keydown', (event) => {
    if (event.key === '/' && !panel.open && !event.target.closest('input, select, textarea')) {
      $('q').focus();
      event.preventDefault();
    }
  });

  // ---- any other table: by its cells ------------------------------------------------------------------------------------------
  for (const other of document.querySelectorAll('table.sortable')) {
    const list = other.tBodies[0];
    const cells = Array.from(other.tHead.rows[0].cells);
    cells.forEach((th, column) => button(th, () => {
      const down = th.getAttribute('aria-sort') === 'ascending';
      cells.forEach((cell) => cell.removeAttribute('aria-sort'));
      th.setAttribute('aria-sort', down ? 'descending' : 'ascending');
      const value = (tr) => tr.cells[column].dataset.v || tr.cells[column].textContent.trim();
      const ordered = Array.from(list.rows).sort((a, b) => {
        const [x, y] = [value(a), value(b)];
        if (!x !== !y) return x ? -1 : 1;
        return collator.compare(x, y) * (down ? -1 : 1);
      });
      list.append(...ordered);
    }));
  }

  // ---- paper has no buttons -----------------------------------------------------------------------------------------------------
  let opened = [];
  addEventListener('beforeprint', () => {
    draw(chosen.length);
    opened = Array.from(document.querySelectorAll('details.fault:not([open])'));
    for (const details of opened) details.open = true;
  });
  addEventListener('afterprint', () => { for (const details of opened) details.open = false; });

  // ---- begin --------------------------------------------------------------------------------------------------------------------
  for (const time of document.querySelectorAll('.top time')) {
    const at = new Date(time.textContent.replace(' ', 'T') + 'Z');
    if (!isNaN(at)) { time.dateTime = at.toISOString(); time.title = at.toLocaleString() + ' here'; }
  }
  $('unscripted').remove();
  $('detail').hidden = true;
  form.hidden = false;
  form.addEventListener('submit', (event) => event.preventDefault());
  form.addEventListener('input', () => { show(); note(); });
  // The form's own reset comes first.
  form.addEventListener('reset', () => setTimeout(() => { show(); note(); }));
  $('table').append(table, empty, more);
  show();
  new IntersectionObserver((seen) => {
    if (seen.some((entry) => entry.isIntersecting)) draw(drawn + CHUNK);
  }, { rootMargin: '600px' }).observe(more);
  addEventListener('hashchange', follow);
  follow();
  performance.mark('lineman-table');
})();

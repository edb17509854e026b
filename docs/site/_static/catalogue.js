// A field above the table of recipes: rows that hold all of its words stay.
document.addEventListener('DOMContentLoaded', () => {
  const field = document.getElementById('catalogue-search');
  if (!field) {
    return;
  }
  const rows = [...document.querySelectorAll('article table tbody tr')];
  const texts = rows.map(row => row.textContent.toLowerCase());
  const shown = document.getElementById('catalogue-shown');
  const filter = () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let left = 0;
    rows.forEach((row, at) => {
      row.hidden = !words.every(word => texts[at].includes(word));
      left += row.hidden ? 0 : 1;
    });
    shown.textContent = `${left} of ${rows.length} recipes`;
  };
  field.addEventListener('input', filter);
  filter();
});

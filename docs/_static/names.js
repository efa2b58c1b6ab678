// Names for who listens to a page, which the theme leaves out or lets differ from what is seen.
document.addEventListener("DOMContentLoaded", () => {
  // The arrow that unfolds a part of the side bar bears the name of the link beside it.
  for (const arrow of document.querySelectorAll("li.has-children > details > summary")) {
    arrow.setAttribute("aria-label", arrow.closest("li").querySelector("a").textContent.trim());
  }
  // The button of the search is called what is written on it.
  for (const button of document.querySelectorAll(".search-button-field")) button.removeAttribute("aria-label");
});

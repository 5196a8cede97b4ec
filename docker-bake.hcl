# docker buildx bake: this machine's image. docker buildx bake all --push: for amd64 and arm64.
variable "TAG" {
  default = "limner:latest"
}

target "default" {
  dockerfile = "Containerfile"
  tags       = [TAG]
}

target "all" {
  inherits  = ["default"]
  platforms = ["linux/amd64", "linux/arm64"]
}

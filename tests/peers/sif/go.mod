module compatbuild/tests/peers/sif

go 1.26.0

require github.com/sylabs/sif/v2 v2.24.2

require (
	github.com/google/go-containerregistry v0.22.1 // indirect
	github.com/google/uuid v1.6.0 // indirect
)

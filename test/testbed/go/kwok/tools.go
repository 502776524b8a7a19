// The programs that this module pins and builds.

//go:build tools

package tools

import _ "sigs.k8s.io/kwok/cmd/kwok"

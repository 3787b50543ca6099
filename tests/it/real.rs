//! Real third-party modules: served through faults, and built into a program that works.

use crate::harness::Project;
use crate::lab::{Lab, modules_below};
use std::path::{Path, PathBuf};

/// What the program requires. gin's and viper's versions are those of the sources; nobody in the set
/// requires them.
const ROOTS: &[(&str, &str)] = &[
    ("github.com/gin-gonic/gin", "v1.8.1"),
    ("github.com/spf13/viper", "v1.12.0"),
    ("google.golang.org/grpc", "v1.43.0"),
];

/// Answers a request, reads a setting and starts no server.
const PROGRAM: &str = r#"package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/gin-gonic/gin"
	"github.com/spf13/viper"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func main() {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.GET("/hello/:name", func(c *gin.Context) { c.JSON(200, gin.H{"hello": c.Param("name")}) })
	recorder := httptest.NewRecorder()
	engine.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/hello/lab", nil))
	viper.SetConfigType("yaml")
	if err := viper.ReadConfig(bytes.NewBufferString("depth: {of: 3}\n")); err != nil {
		panic(err)
	}
	grpc.NewServer().Stop()
	fmt.Println(recorder.Body.String(), viper.GetInt("depth.of"), status.Code(status.Error(codes.NotFound, "")))
}
"#;

fn sources() -> PathBuf {
    let dir = std::env::var_os("GOX_TEST_REAL_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/real-modules"), PathBuf::from);
    assert!(
        dir.join("github.com/gin-gonic/gin").is_dir(),
        "no module sources in {}: run tests/run.sh, which gets them with tests/real-modules.sh",
        dir.display()
    );
    dir
}

fn project(lab: &crate::lab::Running) -> Project {
    let mut go_mod = "module example.test/main\n\ngo 1.21\n\nrequire (\n".to_owned();
    for (path, version) in ROOTS {
        go_mod.push_str(&format!("\t{path} {version}\n"));
    }
    go_mod.push_str(")\n");
    Project::without_files(lab).file("go.mod", go_mod).file("main.go", PROGRAM).shared_build_cache()
}

#[test]
fn without_faults_go_builds_them() {
    let lab = Lab::new().modules(0).given(modules_below(&sources(), ROOTS).unwrap()).start();
    let project = project(&lab);
    project.go(["mod", "tidy"]).run().success();
    project.go(["mod", "download"]).run().success();
    project.go(["build", "-o", "program", "."]).run().success();
    let run = project.program(&project.dir().join("program"), [""; 0]).run().success();
    assert_eq!(run.out(), "{\"hello\":\"lab\"} 3 NotFound\n");
    assert!(lab.requests().len() > 150, "{}", lab.requests().len());
}

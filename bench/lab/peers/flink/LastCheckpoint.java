import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Optional;
import java.util.stream.Stream;

/** Where a new process goes on: what an operator would pass by hand. */
final class LastCheckpoint {
  private LastCheckpoint() {}

  /** The newest complete checkpoint or savepoint below `directory`. */
  static Optional<Path> below(Path directory) throws IOException {
    if (!Files.isDirectory(directory)) return Optional.empty();
    try (Stream<Path> files = Files.walk(directory, 4)) {
      return files
          .filter(file -> file.endsWith("_metadata"))
          .max(Comparator.comparing(file -> file.toFile().lastModified()))
          .map(Path::getParent);
    }
  }
}

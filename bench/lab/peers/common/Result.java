import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.StreamWriteFeature;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/** A message of the output topic. */
final class Result {
  private static final JsonFactory JSON = JsonFactory.builder()
      .enable(StreamWriteFeature.USE_FAST_DOUBLE_WRITER)
      .build();

  final byte[] key;
  final byte[] value;

  Result(byte[] key, byte[] value) {
    this.key = key;
    this.value = value;
  }

  static Result of(String vehicle, Window window) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(320);
    try (JsonGenerator json = JSON.createGenerator(out)) {
      json.writeStartObject();
      json.writeStringField("vehicle_id", vehicle);
      json.writeNumberField("window_start", window.start);
      json.writeNumberField("window_end", window.end());
      json.writeNumberField("samples", window.samples);
      json.writeNumberField("speed_min", window.speedMin);
      json.writeNumberField("speed_mean", window.speedSum / window.samples);
      json.writeNumberField("speed_max", window.speedMax);
      json.writeNumberField("speed_last", window.speedLast);
      json.writeNumberField("engine_temp_max", window.engineTempMax);
      json.writeNumberField("distance", window.distance);
      json.writeEndObject();
    } catch (IOException error) {
      throw new UncheckedIOException(error);  // Memory does not fail so.
    }
    return new Result(vehicle.getBytes(StandardCharsets.UTF_8),
        out.toByteArray());
  }
}
